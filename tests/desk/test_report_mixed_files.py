"""Figures of one row that are of different model files are not passed off as one model's."""

from __future__ import annotations

from pathlib import Path

import report_results as made
from report_results import write

from convert.report.markdown import markdown
from convert.report.mixed_files import mixed_files
from convert.report.page import page
from convert.report.readme import readme_table
from convert.report.results import Results, read_results


def results(folder: Path, **changed: str) -> Results:
    """Made-up results; the int8 model of a kind, or with `_float32` the float one, is another."""
    documents = {"bench": made.bench(), "peers": made.peers(), "arm": made.arm()}
    for name, digest in changed.items():
        kind, _, precision = name.partition("_")
        for entry in documents[kind]["runs" if kind == "arm" else "entries"]:
            key = entry["model"], entry["precision"], entry["engine"]
            if key == ("minivgg", precision or "int8", "ai-edge-litert"):
                entry["sha256"] = digest
    return read_results(write(folder, **documents))


def test_the_same_files_are_not_spoken_of(tmp_path: Path) -> None:
    assert mixed_files(results(tmp_path)) == ()
    # With a manifest in one run and without one in the others: the same graph.
    assert mixed_files(results(tmp_path, bench_float32="f" * 64)) == ()


def test_another_file_is_said_with_where_it_was_measured(tmp_path: Path) -> None:
    found = results(tmp_path, arm="ab" * 32)
    (sentence,) = mixed_files(found)
    assert sentence.startswith("MiniVGG int8, LiteRT, was another file in each of: the run on ")
    before, _, after = sentence.partition("; ")
    assert before.endswith("(000000000000)")
    assert "the run of peers of" in before
    assert after.startswith("the emulated boards of ")
    assert after.endswith("(abababababab)")
    assert f"**Different files**: {sentence}." in readme_table(found)
    assert "**DIFFERENT FILES**: MiniVGG int8" in markdown(found)
    assert f"different files</span> {sentence}." in page(found)


def test_peers_and_boards_have_the_same_float_file(tmp_path: Path) -> None:
    (sentence,) = mixed_files(results(tmp_path, peers_float32="ab" * 32))
    assert sentence.startswith("MiniVGG float32, LiteRT")
