"""Reads JSON of the plain kind that manifests are written in, without the import of `json`.

That import compiles regular expressions, which costs a start more than twice what reading a
manifest does. What is not plain is left to `json`: escapes in strings, repeated names, unusual
whitespace and numbers, deep nesting, and every error, so that this reader has nothing to say about
a document but its value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

_LONGEST_NUMBER = 30  # far below what Python refuses to turn into an int
_CONSTANTS = {"true": True, "false": False, "null": None}


class NotPlainError(ValueError):
    """The document is no JSON, or needs a complete reader."""


def read_plain_json(text: str, *, deepest: int) -> Any:
    """Return the value of a document as `json.loads` does.

    Args:
        text: The document.
        deepest: How many lists and objects may lie in each other.

    Raises:
        NotPlainError: `json` has to read it.
    """
    # Without escapes, every second piece between quotation marks is a string.
    pieces = text.split('"')
    strings, outside = pieces[1::2], '"'.join(pieces[::2]).replace("\n", " ")
    if "\\" in text or len(pieces) == 2 * len(strings):
        raise NotPlainError
    # Printable text has no control characters, and no whitespace but spaces.
    if not ("".join(strings).isprintable() and outside.isprintable() and outside.isascii()):
        raise NotPlainError
    # A string and its colon become one lexeme, the colon. A colon without a string, which would
    # look alike, needs a string more than there are.
    outside = outside.replace('":', ":")
    for mark in '{}[],:"':
        outside = outside.replace(mark, f" {mark} ")
    lexemes = iter(outside.split())
    try:
        value = _read_value(next(lexemes), lexemes, iter(strings), deepest)
    except StopIteration:
        raise NotPlainError from None
    if next(lexemes, None) is not None:
        raise NotPlainError
    return value


def _read_value(lexeme: str, lexemes: Iterator[str], strings: Iterator[str], levels: int) -> Any:
    """Return the value that starts with a lexeme, and take its other lexemes; no string."""
    if lexeme in ("{", "["):
        if levels == 0:
            raise NotPlainError
        read = _read_object if lexeme == "{" else _read_list
        return read(lexemes, strings, levels - 1)
    if lexeme in _CONSTANTS:
        return _CONSTANTS[lexeme]
    return _read_number(lexeme)


def _read_object(lexemes: Iterator[str], strings: Iterator[str], levels: int) -> dict[str, Any]:
    members: dict[str, Any] = {}
    lexeme = next(lexemes)
    if lexeme == "}":
        return members
    while lexeme == ":":
        name = next(strings)
        if name in members:
            break
        lexeme = next(lexemes)
        is_string = lexeme == '"'  # seen here: the most frequent values shall not cost a call
        members[name] = (
            next(strings) if is_string else _read_value(lexeme, lexemes, strings, levels)
        )
        lexeme = next(lexemes)
        if lexeme == "}":
            return members
        if lexeme != ",":
            break
        lexeme = next(lexemes)
    raise NotPlainError


def _read_list(lexemes: Iterator[str], strings: Iterator[str], levels: int) -> list[Any]:
    items: list[Any] = []
    lexeme = next(lexemes)
    if lexeme == "]":
        return items
    while True:
        if lexeme == '"':
            items.append(next(strings))
        elif lexeme[0].isdigit():  # seen here for the same reason: tables are lists of numbers
            items.append(_read_number(lexeme))
        else:
            items.append(_read_value(lexeme, lexemes, strings, levels))
        lexeme = next(lexemes)
        if lexeme == "]":
            return items
        if lexeme != ",":
            raise NotPlainError
        lexeme = next(lexemes)


def _read_number(lexeme: str) -> int | float:
    if len(lexeme) <= _LONGEST_NUMBER:
        # Most numbers have digits and perhaps a point, and shall not cost more calls.
        whole, point, fraction = lexeme.partition(".")
        if whole == "0" or (whole.isdigit() and whole[0] != "0"):
            if fraction.isdigit():
                return float(lexeme)
            if not point:
                return int(lexeme)
        if _is_number(lexeme):
            value = float(lexeme)
            if math.isfinite(value):
                return int(lexeme) if lexeme.removeprefix("-").isdigit() else value
    raise NotPlainError


def _is_number(lexeme: str) -> bool:
    """Say whether an ASCII lexeme is a number; Python's own grammar of numbers is wider."""
    mantissa, e, exponent = lexeme.replace("E", "e").partition("e")
    whole, point, fraction = mantissa.removeprefix("-").partition(".")
    exponent = exponent[1:] if exponent.startswith(("+", "-")) else exponent
    return (
        whole.isdigit()
        and (whole == "0" or not whole.startswith("0"))
        and (not point or fraction.isdigit())
        and (not e or exponent.isdigit())
    )
