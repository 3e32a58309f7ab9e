"""Damages that suit any bytes: what disks, cables and editors do to a file, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Literal

Damage = Callable[[bytes, Random], bytes]

_LONGEST_BLOCK = 1 << 16
_MOST_DAMAGES = 8
# Numbers that sizes, counts and offsets are most often mistaken at, of 1, 2, 4 and 8 bytes.
_EDGE_NUMBERS = tuple(
    sorted({n for bits in (0, 7, 8, 15, 16, 31, 32, 63) for n in (2**bits - 1, 2**bits)})
)
_NUMBER_SIZES = (1, 2, 4, 8)
_HEADER_BYTES = 256


def truncated(data: bytes, random: Random) -> bytes:
    """Cut off the end, at least one byte."""
    return data[: random.randrange(len(data))] if data else data


def flipped(data: bytes, random: Random) -> bytes:
    """Flip one bit."""
    return flipped_at(data, random.randrange(len(data)), random) if data else data


def flipped_at(data: bytes, place: int, random: Random) -> bytes:
    """Flip one bit of the byte at `place`."""
    changed = data[place] ^ (1 << random.randrange(8))
    return data[:place] + bytes([changed]) + data[place + 1 :]


def overwritten(data: bytes, random: Random) -> bytes:
    """Write zeros, ones or noise over a block: a sector that was never written, or another file."""
    start, end = _block(data, random)
    size = end - start
    filling = random.choice((b"\0" * size, b"\xff" * size, random.randbytes(size)))
    return data[:start] + filling + data[end:]


def removed(data: bytes, random: Random) -> bytes:
    """Leave a block out."""
    start, end = _block(data, random)
    return data[:start] + data[end:]


def repeated(data: bytes, random: Random) -> bytes:
    """Insert a block of the file itself at another place."""
    start, end = _block(data, random)
    place = random.randint(0, len(data))
    return data[:place] + data[start:end] + data[place:]


def inserted(data: bytes, random: Random) -> bytes:
    """Insert some noise."""
    place = random.randint(0, len(data))
    return data[:place] + random.randbytes(random.randint(1, 64)) + data[place:]


def exchanged(data: bytes, random: Random) -> bytes:
    """Exchange two neighboring blocks."""
    first, last = sorted(random.randint(0, len(data)) for _ in range(2))
    middle = random.randint(first, last)
    return data[:first] + data[middle:last] + data[first:middle] + data[last:]


def renumbered(data: bytes, random: Random) -> bytes:
    """Write a number on the edge of its range over a field, mostly near the start."""
    size = random.choice(_NUMBER_SIZES)
    reach = len(data) if random.random() < 0.25 else min(len(data), _HEADER_BYTES)
    if reach < size:
        return data
    place = random.randrange(reach - size + 1)
    order: Literal["little", "big"] = random.choice(("little", "big"))
    old = int.from_bytes(data[place : place + size], order)
    number = random.choice((*_EDGE_NUMBERS, old + 1, old - 1, old * 2)) % (1 << 8 * size)
    return data[:place] + number.to_bytes(size, order) + data[place + size :]


BLOCKS: tuple[Damage, ...] = (overwritten, removed, repeated, inserted, exchanged)
ANY: tuple[Damage, ...] = (truncated, flipped, renumbered, *BLOCKS)


def damaged(data: bytes, random: Random, choices: Sequence[Damage] = ANY) -> bytes:
    """Do one of the damages."""
    return random.choice(choices)(data, random)


def damaged_often(data: bytes, random: Random, choices: Sequence[Damage] = ANY) -> bytes:
    """Do two damages or more, one after the other."""
    for _ in range(random.randint(2, _MOST_DAMAGES)):
        data = damaged(data, random, choices)
    return data


def _block(data: bytes, random: Random) -> tuple[int, int]:
    """Return start and end of a block; short ones are as frequent as long ones."""
    limit = min(len(data), _LONGEST_BLOCK)
    size = min(limit, 1 << random.randint(0, max(0, limit.bit_length() - 1)))
    start = random.randint(0, len(data) - size)
    return start, start + size
