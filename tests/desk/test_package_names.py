"""Names and versions of a model wheel, against the rules of the packaging user guide."""

from __future__ import annotations

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, is_normalized_name

from convert.packaging.errors import PackagingError
from convert.packaging.names import RESERVED, suggestion, wheel_names, wheel_version


@pytest.mark.parametrize(
    ("model", "distribution", "escaped"),
    [
        ("my-parts", "my-parts", "my_parts"),
        ("My.Parts_2", "my-parts-2", "my_parts_2"),
        ("a--b", "a-b", "a_b"),
        ("7", "7", "7"),
        ("x" * 100, "x" * 100, "x" * 100),
    ],
)
def test_derived_names(model: str, distribution: str, escaped: str) -> None:
    names = wheel_names(model)
    assert (names.model, names.distribution, names.escaped) == (model, distribution, escaped)
    assert is_normalized_name(names.distribution)
    # Importable, and apart from every package that is called as the model is.
    assert names.package == f"minivgg_edge_model_{escaped}"
    assert names.package.isidentifier()


@pytest.mark.parametrize(
    ("model", "advice"),
    [
        ("детали", "my-parts"),
        ("部品", "my-parts"),
        ("🐱", "my-parts"),
        ("Größe Teile 🐱", "grosse-teile"),
        ("two words", "two-words"),
        ("a/b", "a-b"),
        ("line\nend", "line-end"),
        ("-x", "x"),
        ("x.", "x"),
        ("", "my-parts"),
        ("x" * 101, "x" * 100),
        ("numpy", "numpy-model"),
        ("Minivgg_Edge", "minivgg-edge-model"),
        ("minivgg", "my-minivgg"),
        ("MiniVGG", "my-minivgg"),
        ("parts.tflite", "parts"),
    ],
)
def test_refused_names_come_with_one_that_is_allowed(model: str, advice: str) -> None:
    with pytest.raises(PackagingError, match=f"for example --name {re.escape(advice)}$"):
        wheel_names(model)
    assert wheel_names(advice).model == advice


def test_the_reserved_names_hold_all_that_the_classifier_needs() -> None:
    ours, of_runtime = (_needed(name) for name in ("minivgg-edge", "ai-edge-litert"))
    assert "numpy" in ours
    assert "flatbuffers" in of_runtime
    assert {*ours, *of_runtime, "minivgg-edge"} <= RESERVED


def _needed(distribution: str) -> set[str]:
    return {
        str(canonicalize_name(requirement.name))
        for requirement in map(Requirement, metadata.requires(distribution) or ())
        if requirement.marker is None or "extra" not in str(requirement.marker)
    }


def test_a_suggestion_for_a_suggestion_is_itself() -> None:
    assert suggestion("grosse-teile") == "grosse-teile"


@pytest.mark.parametrize(
    ("text", "normal"), [("1.0", "1.0"), ("v1.0-RC1", "1.0rc1"), ("2024.1+lab", "2024.1+lab")]
)
def test_versions_in_their_normal_form(text: str, normal: str) -> None:
    assert wheel_version(text) == normal


@pytest.mark.parametrize("text", ["", "one", "1.0 beta two", "1..2"])
def test_other_versions(text: str) -> None:
    with pytest.raises(PackagingError, match=r"version: expected one like 1\.0.*got"):
        wheel_version(text)
