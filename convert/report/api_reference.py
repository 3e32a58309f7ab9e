"""The reference of a package's public names, as Markdown, from its docstrings.

The package is read and not imported: griffe parses the sources, so annotations stand as they were
written and nothing depends on what is installed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import griffe

from convert.report.decoding import ResultError

_LONGEST_SIGNATURE = 88
# Sections of a docstring whose entries have a name, and what the section is called.
_NAMED = {
    griffe.DocstringSectionKind.parameters: "Arguments",
    griffe.DocstringSectionKind.attributes: "Attributes",
}


def api_reference(
    package: str, *, folder: Path, introduction: str, handed_out: Sequence[str] = ()
) -> str:
    """Return the reference of the names in a package's `__all__`.

    Args:
        package: Its name.
        folder: Where it lies.
        introduction: What stands above the names, as Markdown.
        handed_out: Names below the package, such as "results.Prediction", that its functions
            take or return and that are to be described too.

    Raises:
        ResultError: Something public has no docstring.
    """
    module = griffe.load(package, search_paths=[folder], docstring_parser="google")
    exported = [str(name) for name in module.exports or []]
    public = [module[name] for name in exported if not name.startswith("__")]
    others = [module[name] for name in handed_out]
    lines = [introduction.rstrip(), ""]
    lines += _contents([*public, *others])
    for member in public:
        lines += _member(_target(member), name=member.name, level=2)
    if others:
        lines += ["", "## Handed out", "", "Not imported by name in an ordinary program."]
    for member in others:
        lines += _member(_target(member), name=member.name, level=3)
    return "\n".join(lines).rstrip() + "\n"


def _target(member: Any) -> Any:
    return member.final_target if member.is_alias else member


def _contents(members: Sequence[Any]) -> list[str]:
    rows = [f"| [`{m.name}`](#{m.name.lower()}) | {_summary(_target(m))} |" for m in members]
    return ["| name | |", "|---|---|", *rows]


def _summary(member: Any) -> str:
    # Markdown already; only the table's own sign is not meant.
    first: str = _docstring(member).value.partition("\n")[0]
    return first.replace("|", "\\|")


def _docstring(member: Any) -> Any:
    if member.docstring is None or not member.docstring.value.strip():
        raise ResultError(f"{member.path}: expected a docstring, got none")
    return member.docstring


def _member(member: Any, *, name: str, level: int) -> Iterator[str]:
    """Yield the lines of a class with its members, of a function or of a type."""
    yield from ("", f"{'#' * level} {name}", "")
    if member.is_attribute:
        yield from _code(f"{name} = {_type_of(member)}")
        yield from _text(member)
        return
    if member.is_function:
        yield from _code(_signature(member, name))
        yield from _text(member)
        return
    yield from _class(member, name=name, level=level)


def _class(member: Any, *, name: str, level: int) -> Iterator[str]:
    init = _written_init(member)
    yield from _code(_fields(member, name) if init is None else _signature(init, name))
    yield from _text(member)
    if init is not None:
        yield from _text(init, summary=False)
    for inner in member.members.values():
        if inner.name.startswith("_") or not (inner.is_function or _is_property(inner)):
            continue
        yield from ("", f"{'#' * (level + 1)} {name}.{inner.name}", "")
        if _is_property(inner):
            yield from _code(f"{inner.name}: {_annotation(inner)}")
        else:
            yield from _code(_signature(inner, inner.name))
        yield from _text(inner)


def _written_init(member: Any) -> Any:
    """Return `__init__` where it stands in the source; dataclasses have a generated one."""
    init = member.members.get("__init__")
    return None if init is None or init.docstring is None else init


def _fields(member: Any, name: str) -> str:
    """Return a class with its bases and annotated attributes as Python code."""
    bases = ", ".join(str(base) for base in member.bases if str(base) != "Record")
    head = f"class {name}({bases})" if bases else f"class {name}"
    fields = [
        f"    {inner.name}: {inner.annotation}" + (f" = {inner.value}" if inner.value else "")
        for inner in member.members.values()
        if inner.is_attribute and not _is_property(inner) and not inner.name.startswith("_")
    ]
    return "\n".join([f"{head}:", *fields]) if fields else head


def _is_property(member: Any) -> bool:
    return bool(member.is_attribute and "property" in member.labels)


def _type_of(member: Any) -> str:
    """Return a type alias as it stands, without the quotes of a forward reference."""
    return " ".join(str(member.value).strip("'\"").split())


def _annotation(member: Any) -> str:
    return str(member.annotation)


def _signature(function: Any, name: str) -> str:
    """Return a call as Python code, over several lines if it is long."""
    words = []
    starred = False
    for parameter in function.parameters:
        if parameter.name == "self":
            continue
        if parameter.kind is griffe.ParameterKind.keyword_only and not starred:
            words.append("*")
            starred = True
        words.append(_parameter(parameter))
    returned = "" if function.name == "__init__" else f" -> {function.returns}"
    line = f"{name}({', '.join(words)}){returned}"
    if len(line) <= _LONGEST_SIGNATURE:
        return line
    inner = "".join(f"    {word},\n" for word in words)
    return f"{name}(\n{inner}){returned}"


def _parameter(parameter: Any) -> str:
    text = f"{parameter.name}: {parameter.annotation}" if parameter.annotation else parameter.name
    return text if parameter.default is None else f"{text} = {parameter.default}"


def _code(code: str) -> list[str]:
    return ["```python", code, "```"]


def _text(member: Any, *, summary: bool = True) -> Iterator[str]:
    """Yield a docstring's sections; without its text if `summary` is false."""
    for section in _docstring(member).parse():
        kind = section.kind
        if kind is griffe.DocstringSectionKind.text:
            if summary:
                yield from ("", section.value)
        elif kind in _NAMED:
            yield from ("", f"*{_NAMED[kind]}*", "")
            yield from (f"- `{entry.name}`: {_flat(entry)}" for entry in section.value)
        elif kind is griffe.DocstringSectionKind.returns:
            yield from ("", f"*Returns*: {' '.join(_flat(entry) for entry in section.value)}")
        elif kind is griffe.DocstringSectionKind.raises:
            yield from ("", "*Raises*", "")
            yield from (f"- `{entry.annotation}`: {_flat(entry)}" for entry in section.value)
        elif kind is griffe.DocstringSectionKind.admonition and section.value.kind == "example":
            yield from ("", *_code(section.value.contents))
        else:
            raise ResultError(f"{member.path}: expected a section that is known, got {kind.value}")


def _flat(entry: Any) -> str:
    return " ".join(entry.description.split())
