"""Changed golden vectors: npz files whose zip is sound and whose arrays are not."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from random import Random

from benchmarks.reliability.fuzz.damage import damaged, damaged_often, flipped
from minivgg_edge.archive import stored_zip

_MAGIC = b"\x93NUMPY"
_PREFIX_SIZE = 10  # magic, version and the header's length
_HEADER_END = 128  # numpy fills short headers up to this
_DESCRIPTIONS = (
    "'|u1'", "'|i1'", "'<f4'", "'|O'", "'>u2'", "'<U9'", "'V8'", "'x'", "''", "None", "1", "()",
    "[('a', '|u1')]", "[]", "[[]]", "('|u1', (3,))", "'|u1,|u1'", "'<M8[ns]'",
)  # fmt: skip
_ORDERS = ("False", "True", "0", "None", "False, 'more': 1")
_SHAPES = (
    "(8, 32, 32, 3)", "(1, 32, 32, 3)", "(1000000000000, 32, 32, 3)", "(-1, 32, 32, 3)", "()",
    "(8,)", "(True, 32, 32, 3)", "(8.0, 32, 32, 3)", "8", "[8, 32, 32, 3]", "(8, 10)", "(0, 10)",
    "(8, 32, 32, 3L)", "None", "(2**99,)", f"({2**99}, 32, 32, 3)",
)  # fmt: skip
# What a reader of Python literals may stumble over.
_LITERALS = (
    "", "{", "{}", "[" * 150 + "]" * 150, "(" * 5000, "-" * 5000 + "1", "~" * 900 + "1", "{1: {}}",
    "{'descr': '|u1'}", "lambda: 0", "__import__('os')", "'a' " * 900, "9" * 5000, "'\\ud800'",
    "'\\N{x}'", "\0", "{[]: 1}", "{**{}}", "1+" * 3000 + "1", "1j", "f'{1}'", "\\", "'''", "\x0c",
    "0x" + "f" * 5000, "1e999", "  indented", "a = 1", "\n\n", "#", "b'\xff'", "{(): " * 60,
)  # fmt: skip


def changed(golden: bytes, random: Random) -> bytes:
    """Change the header or the content of one array, in a sound zip."""
    with zipfile.ZipFile(io.BytesIO(golden)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(list(entries))
    choice = random.randrange(5)
    if choice == 0:
        entries[name] = random.choice((damaged, damaged_often))(entries[name][:200], random)
    elif choice == 1:
        entries[name] = _npy(random.choice(_LITERALS), entries[name], random)
    elif choice == 2:
        entries[name] = flipped(entries[name], random)  # mostly a pixel
    else:
        entries[name] = _npy(_changed_header(entries[name], random), entries[name], random)
    if random.random() < 0.1:
        entries[random.choice(("more.npy", "inputs", "../inputs.npy"))] = entries.pop(name)
    return stored_zip(entries)


def _changed_header(old: bytes, random: Random) -> str:
    """Return the header of an array with one or two of its three values replaced."""
    header = old[_PREFIX_SIZE:_HEADER_END].decode("ascii").rstrip()
    for _ in range(random.choice((1, 1, 2))):
        pattern, values = random.choice(
            ((r"'descr': '[^']*'", _DESCRIPTIONS), (r"\([^)]*\)", _SHAPES), ("False", _ORDERS))
        )
        value = random.choice(values)
        value = f"'descr': {value}" if values is _DESCRIPTIONS else value
        header = re.sub(pattern, value, header)
    return header


def _npy(header: str, old: bytes, random: Random) -> bytes:
    """Return a header before the pixels of an array; the length in it is mostly right."""
    text = header.encode("utf-8", errors="surrogatepass") + random.choice((b"\n", b" \n", b""))
    version = random.choice((b"\1\0", b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\0\0", b"\1\1"))
    size = len(text) if random.random() < 0.9 else random.randrange(2**16)
    layout = "<H" if version[:1] == b"\1" else "<L"
    return _MAGIC + version + struct.pack(layout, size % 2**16) + text + old[_HEADER_END:]
