"""A small model with a hidden dense layer, which weights of 4 bits are for."""

from __future__ import annotations

from pathlib import Path

from tiny_model import TINY_SIDE, Tiny, fit_last_layer

from convert.quiet import quiet


def write_dense_model(tiny: Tiny, folder: Path) -> Path:
    """Write `model.keras` with its training record; it knows the tiny model's classes."""
    with quiet():
        from convert.architecture import build_minivgg

        model = build_minivgg(
            classes=3,
            height=TINY_SIDE,
            width=TINY_SIDE,
            blocks=((8,), (8,)),
            head="dense",
            dense_units=32,
        )
        fit_last_layer(model, tiny.pictures["train"])
        path = folder / "model.keras"
        model.save(path)
    record = tiny.path.parent / "training.json"
    (folder / "training.json").write_bytes(record.read_bytes())
    return path
