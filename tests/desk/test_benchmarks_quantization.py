"""`python -m benchmarks.quantization`: its tables, its claims, and the page made of them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_model import Tiny

from benchmarks.quantization import __main__ as command
from benchmarks.quantization import document, hard_model, tables
from benchmarks.quantization import subject as subject_module
from benchmarks.quantization.subject import FIRST, Subject, load_subject
from benchmarks.result import read_result
from convert.command import run_command
from convert.int8.comparison import Comparison
from convert.int8.float_model import load_float_model
from convert.int8.inputs import check_weights
from convert.int8.labels import read_training_record
from convert.quiet import quiet
from convert.search.method import PLAIN, Method
from convert.search.plan import SEEDS
from convert.training.record import weights_sha256

ROOT = Path(__file__).resolve().parent.parent.parent


def _silent(text: str) -> None:
    pass


@pytest.fixture(scope="module")
def subject(tiny: Tiny) -> Subject:
    return load_subject(tiny.path, tiny.data, limit=30)


def test_the_page_says_what_the_stored_results_say(capsys: pytest.CaptureFixture[str]) -> None:
    code = run_command(document.main, ["--check", "--page", str(ROOT / document.PAGE.path)])
    assert code == 0, capsys.readouterr()


def test_a_result_names_the_command_that_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of a quick look is not one of all pictures."""
    none = tables.Outcome(())
    monkeypatch.setattr(subject_module, "load_subject", lambda *_, **__: None)
    monkeypatch.setattr(hard_model, "write_hard", lambda *_: "")
    monkeypatch.setattr(tables, "search_outcome", lambda *_: (none, PLAIN))
    for name in ("methods", "seeds", "counts", "hard"):
        monkeypatch.setattr(tables, f"{name}_outcome", lambda *_: none)
    words = ["--data", "photos", "--limit", "30", "--out", str(tmp_path)]
    assert command.main(words) == 0
    found = read_result(tmp_path / "methods.json")
    assert found.command == f"python -m benchmarks.quantization {' '.join(words)}"
    model = ROOT / "models" / "minivgg" / "model.keras"
    assert found.models == {"minivgg": hashlib.sha256(model.read_bytes()).hexdigest()}


def test_no_stored_claim_is_broken() -> None:
    results = document.PAGE.results()
    assert set(results) == {"methods", "search", "seeds", "pictures", "hard", "rejection"}
    for name, result in results.items():
        assert result.name == name
        assert result.failures == ()


def test_every_method_stands_in_the_table(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = [PLAIN, Method("mse"), Method(equalize="both", bias_correction=True)]
    assert set(chosen) <= set(tables.methods())
    monkeypatch.setattr(tables, "methods", lambda: chosen)
    (table,) = tables.methods_outcome(subject, _silent).tables
    assert [row[0] for row in table.rows] == [method.title for method in chosen]
    assert {len(row) for row in table.rows} == {len(table.columns)}
    plain = subject.fidelity(FIRST, "validation")
    assert f"{1000 * plain.divergence:.3g}" in table.rows[0][1]
    assert "30 validation, 30 test pictures" in table.note


def test_seeds_have_their_mean(subject: Subject) -> None:
    (table,) = tables.seeds_outcome(subject, PLAIN, _silent).tables
    assert [row[0] for row in table.rows] == [
        *(f"minmax, seed {seed}" for seed in SEEDS),
        "minmax, mean",
    ]
    drops = [float(row[2]) for row in table.rows]
    assert drops[-1] == pytest.approx(np.mean(drops[:-1]), abs=0.01)


def test_the_plain_deployed_file_is_the_one_that_quantize_writes(subject: Subject) -> None:
    comparison = subject.comparison(FIRST, "test")
    fidelity = subject.fidelity(FIRST, "test")
    np.testing.assert_array_equal(comparison.reference, fidelity.reference)
    assert comparison.count == 30
    assert comparison.agreement == pytest.approx(fidelity.agreement, abs=0.1)


def _comparison(losses: int, count: int = 1000) -> Comparison:
    """Losses below zero are gains."""
    true = np.zeros(count, dtype=np.int64)
    changed = (np.arange(count) < abs(losses)).astype(np.int64)
    reference, target = (true, changed) if losses > 0 else (changed, true)
    return Comparison("data", "test", ("a", "b"), true, reference, target)


@pytest.mark.parametrize(
    ("losses", "broken"),
    [
        ((0, 1, 2), []),
        (
            (0, 0, 11),
            ["agreement 98.90 %", "a significant difference", "a mean drop of 0.367 points"],
        ),
        ((0, -7, 0), ["seed 1: a significant difference, p 0.02"]),
        ((2, 2, 2), ["a mean drop of 0.200 points"]),
        ((7, 0, 0), ["a significant difference", "a mean drop of 0.233 points"]),
    ],
)
def test_broken_claims_are_said(losses: tuple[int, ...], broken: list[str]) -> None:
    comparisons = [_comparison(number) for number in losses]
    mean = float(np.mean([comparison.drop for comparison in comparisons]))
    found = list(tables._broken_claims(PLAIN, comparisons, mean))
    assert len(found) == len(broken)
    for text, sentence in zip(broken, found, strict=True):
        assert text in sentence


def test_the_hard_model_is_held_to_its_claims(tiny: Tiny, tmp_path: Path) -> None:
    with quiet():
        hard_model.write_hard(tiny.path, tmp_path / "hard.keras", factor=1024.0, share=0.25)
    hard = load_subject(tmp_path / "hard.keras", tiny.data)
    outcome = tables.hard_outcome(hard, "channels planted", 1e6, _silent)
    assert outcome.failures == ()
    assert outcome.tables[0].note.startswith("channels planted. 180 validation pictures")
    # The same model unspoilt has nothing to lose.
    easy = load_subject(tiny.path, tiny.data, limit=60)
    failures = tables.hard_outcome(easy, "", 1e-9, _silent).failures
    assert any("expected a loss of 2 points" in failure for failure in failures)
    assert any("its budget was 0 s" in failure for failure in failures)


def test_a_hard_model_has_a_record_of_its_own(tiny: Tiny, tmp_path: Path) -> None:
    """Compiling it beside that of the original would be refused."""
    (tmp_path / "from").mkdir()
    original = Path(shutil.copy(tiny.path, tmp_path / "from"))
    record = json.loads((tiny.path.parent / "training.json").read_bytes())
    record["weights_sha256"] = weights_sha256(tiny.model)
    (original.parent / "training.json").write_text(json.dumps(record))
    path = tmp_path / "hard" / "model.keras"
    with quiet():
        assert run_command(hard_model.main, [str(original), "-o", str(path)]) == 0
    written = read_training_record(path)
    with quiet():
        check_weights(written, load_float_model(path), path)
    assert written["labels"] == record["labels"]
    beside = [str(original), "-o", str(original.parent / "hard.keras")]
    with quiet():
        assert run_command(hard_model.main, beside) == 2
