"""Changed manifests: of the right syntax with wrong values, and of wrong syntax."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from benchmarks.reliability.fuzz.damage import damaged, damaged_often
from minivgg_edge.archive import stored_zip

Path = tuple[str | int, ...]

_MANIFEST, _LABELS, _GOLDEN = "manifest.json", "labels.txt", "golden.npz"

_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 255, 256, -128, -129, 2**31, 2**63, 10**400, -(10**30), 0.0, -0.0,
    0.5, 1.0, 1e-45, 1e-39, 3.5e38, 1e308, 5e-324, float("nan"), float("inf"), "", " ", "a", "\0",
    "a\nb", "\u2028", "\u200b", "\ud800", "é", "é", "0" * 64, "x" * 100_000, "none", "center",
    "softmax", "logits", "float32", "int8", "uint8", "0.0.0", "9999.0.0", "2.10.0", [], {}, [[]],
    {"": 0}, ["a"], ["a", "a"], {"sha256": "0" * 64, "size_bytes": 1},
)  # fmt: skip
_ODD_NAMES = (
    "", "name", "sha256", "manifest.json", "../labels.txt", "a\0b", "a\nb", "\ud800", "x" * 9999,
)  # fmt: skip
# Documents out of the pieces that sound ones are made of.
_PIECES = (
    *'{}[],:"-+.eE01a\\\n\t /\0', '"a"', '"b":', '{"a": 1', "[1, ", "null", "true", "1e5", "-0",
    "0.1", "1" * 40, "1e999", "NaN", "Infinity", '"\\ud800"', '"\\u0061"', "\u2028", "\ufeff",
    "[" * 60, "]" * 60, '{"schema": {"name": "minivgg-edge-model", "major": 1, "minor": 0}', "\xff",
)  # fmt: skip


def changed_value(manifest: bytes, random: Random) -> bytes:
    """Change one to three values or names of a manifest, and write it as sound JSON."""
    document = json.loads(manifest)
    for _ in range(random.choice((1, 1, 2, 3))):
        document = _changed(document, random)
    return _written(document, random)


def changed_text(manifest: bytes, random: Random) -> bytes:
    """Damage the bytes of a manifest."""
    change = random.choice((damaged, damaged_often))
    return change(manifest, random)


def pieced_together(manifest: bytes, random: Random) -> bytes:
    """Put pieces of JSON together; mostly no JSON."""
    pieces = (random.choice(_PIECES) for _ in range(random.randint(1, 12)))
    text = "".join(pieces)
    if random.random() < 0.5:
        place = random.randrange(len(manifest))
        end = place + random.randrange(40)
        return manifest[:place] + text.encode() + manifest[end:]
    return text.encode()


def repacked(flatbuffer: bytes, entries: dict[str, bytes], random: Random) -> bytes:
    """Change what is beside the flatbuffer, and make every hash and check sum right again.

    Args:
        flatbuffer: of the model; it stays as it is.
        entries: the contents of the model's zip.
        random: decides.
    """
    entries = dict(entries)
    document = json.loads(entries[_MANIFEST])
    what = random.random()
    if what < 0.1:
        entries[_GOLDEN] = damaged_often(entries[_GOLDEN], random)
    elif what < 0.2:
        entries[_LABELS] = damaged(entries[_LABELS], random)
    elif what < 0.3:
        name = random.choice(("card.md", "labels.tx", "Manifest.json", "é/\n", "x" * 60_000))
        entries[name] = random.randbytes(9)
    elif what < 0.35:
        entries |= {f"entry {number}": b"x" for number in range(random.randrange(2000))}
    else:
        document = _changed(document, random)
    if isinstance(document, dict) and random.random() < 0.9:
        _follow(document, entries)
    entries[_MANIFEST] = _written(document, random)
    return stored_zip(entries, prefix=flatbuffer)


def _follow(document: dict[str, Any], entries: dict[str, bytes]) -> None:
    """Let labels.txt say what the manifest's labels say, and the digests what the entries are."""
    import hashlib

    labels = document.get("labels")
    if isinstance(labels, list) and all(isinstance(label, str) for label in labels):
        text = "".join(f"{label}\n" for label in labels)
        entries[_LABELS] = text.encode("utf-8", errors="surrogatepass")
    listed = document.get("entries")
    if isinstance(listed, dict):
        for name, data in entries.items():
            if name != _MANIFEST:
                digest = hashlib.sha256(data).hexdigest()
                listed[name] = {"sha256": digest, "size_bytes": len(data)}


def _changed(document: Any, random: Random) -> Any:
    """Return a document with one value replaced, removed, renamed, moved or nudged."""
    paths = list(_paths(document))
    if not paths:
        return random.choice(_ODD_VALUES)
    # By its first name first: what is free in content has far more places than what is checked.
    first = random.choice(sorted({str(path[0]) for path in paths}))
    path = random.choice([path for path in paths if str(path[0]) == first])
    parent = document
    for name in path[:-1]:
        parent = parent[name]
    step: Any = path[-1]
    choice = random.randrange(6)
    if choice == 0:
        del parent[step]
    elif choice == 1 and isinstance(parent, dict):
        parent[random.choice(_ODD_NAMES)] = parent.pop(step)
    elif choice == 2:
        other = random.choice(paths)
        value = document
        for inner in other:
            value = value[inner]
        # A copy: the value may contain the place that it is put at.
        parent[step] = json.loads(json.dumps(value))
    elif choice == 3:
        parent[step] = _nudged(parent[step], random)
    else:
        parent[step] = random.choice(_ODD_VALUES)
    return document


def _nudged(value: Any, random: Random) -> Any:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return random.choice((value + 1, value - 1, -value, value * 2, value / 2, str(value)))
    if isinstance(value, str):
        return random.choice((value + " ", value.upper(), value[:-1], value[::-1], value * 2))
    if isinstance(value, list):
        return random.choice((value[::-1], value[1:], value + value[:1], [value], value * 3))
    return random.choice((list(value), {**value, "more": 1}, dict(reversed(value.items()))))


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, inner in items:
        yield (*path, step)
        yield from _paths(inner, (*path, step))


def _written(document: Any, random: Random) -> bytes:
    text = json.dumps(document, ensure_ascii=random.random() < 0.5, indent=random.choice((None, 2)))
    if random.random() < 0.05:  # a name twice
        text = text.replace("{", '{"name": 1, ', 1)
    return text.encode("utf-8", errors="surrogatepass")
