"""The figures in README and card are those of the records in `models/minivgg`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "models" / "minivgg"
CARD = (MODEL / "README.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def record(name: str) -> dict[str, object]:
    return json.loads((MODEL / name).read_bytes())


def comparison(report: dict[str, object], split: str) -> dict[str, object]:
    (found,) = [entry for entry in report["comparisons"] if entry["split"] == split]
    return found


def percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def drop(entry: dict[str, object]) -> str:
    low, high = entry["drop_interval"]
    return f"{100 * entry['drop']:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}] points"


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("text", [README, CARD], ids=["readme", "card"])
def test_accuracy_table(text, split):
    entry = comparison(record("quantization.json"), split)
    row = (
        f"| CIFAR-10 {split}, {entry['count']:,} | {percent(entry['float_top1'])} | "
        f"{percent(entry['target_top1'])} | {drop(entry)} | {percent(entry['agreement'])} |"
    )
    assert row in text


def test_orders():
    reports = [record("quantization.json"), record("textbook-order/quantization.json")]
    for split in ("validation", "test"):
        shipped, textbook = (comparison(report, split) for report in reports)
        for name, key in (("float32", "float_top1"), ("int8", "target_top1")):
            assert (
                f"| {name}, {split} | {percent(shipped[key])} | {percent(textbook[key])} |" in CARD
            )
    shipped, textbook = (comparison(report, "validation") for report in reports)
    assert f"| drop, validation | {drop(shipped)} | {drop(textbook)} |" in CARD
    counts = [sum(op["count"] for op in report["audit"]["operators"]) for report in reports]
    assert f"| operators | {counts[0]} | {counts[1]}:" in CARD


def test_the_two_orders_differ_in_nothing_else():
    shipped, textbook = (record(f"{folder}training.json") for folder in ("", "textbook-order/"))
    assert shipped["recipe"] == textbook["recipe"]
    assert shipped["data"] == textbook["data"]
    assert {**shipped["architecture"], "order": "conv-relu-bn"} == textbook["architecture"]


def test_size_and_cost():
    report, training = record("quantization.json"), record("training.json")
    assert f"{report['files']['int8']['size_bytes']:,} bytes" in CARD
    assert f"{report['audit']['macs']:,} multiply-adds" in CARD
    assert f"{training['parameters']:,} (float model" in CARD
    assert f"TensorFlow Lite {report['audit']['minimum_runtime']} or newer" in CARD
    epochs = [entry["train_s"] for entry in training["history"]]
    assert f"{len(epochs)} epochs, {sum(epochs) / len(epochs):.0f} s an epoch" in CARD
    assert f"`{training['command'].replace('../shared/data/cifar-10-batches-bin', 'DIR')}`" in CARD


def test_the_bundled_file_is_the_reported_one():
    compiled = (ROOT / "minivgg_edge" / "models" / "minivgg.tflite").read_bytes()
    reported = record("quantization.json")["files"]["int8"]["sha256"]
    assert hashlib.sha256(compiled).hexdigest() == reported
