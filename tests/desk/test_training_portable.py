"""A saved model without what an older Keras would refuse, and without its date."""

from __future__ import annotations

import datetime
import io
import json
import time
import zipfile

import numpy as np

from convert.quiet import quiet
from convert.training.portable import portable


def test_only_what_differs_from_the_defaults_is_described(tmp_path):
    # Keras itself uses what numpy 2 warns of.
    with quiet():
        import keras

        from convert.architecture import build_minivgg

        model = build_minivgg(blocks=((4,), (8,)), dense_units=8, classes=3)
        path = tmp_path / "model.keras"
        model.save(path)
        path.write_bytes(portable(path.read_bytes(), model))
        again = keras.saving.load_model(path, compile=False)
        pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.float32)
        got, expected = (each(pixels, training=False).numpy() for each in (again, model))
    np.testing.assert_array_equal(got, expected)
    config = json.loads(zipfile.ZipFile(io.BytesIO(path.read_bytes())).read("config.json"))
    described = {key for entry in config["config"]["layers"] for key in entry["config"]}
    # Keras 3.12 knows none of the first two, and not all that HeNormal says of itself.
    assert not described & {"renorm", "quantization_config", "kernel_initializer"}
    assert {"filters", "kernel_size", "units", "use_bias"} <= described


def test_when_it_was_saved_does_not_change_the_file(tmp_path, monkeypatch):
    with quiet():
        import keras

        from convert.architecture import build_minivgg

        model = build_minivgg(blocks=((4,), (8,)), dense_units=8, classes=3)
        path = tmp_path / "model.keras"
        saved = []
        for day in (1, 2):

            class Clock(datetime.datetime):
                @classmethod
                def now(cls, tz=None, day=day):
                    return cls(2026, 11, day, tzinfo=tz)

            monkeypatch.setattr(datetime, "datetime", Clock)
            monkeypatch.setattr(time, "time", lambda day=day: 1_800_000_000 + 86_400 * day)
            model.save(path)
            saved.append(path.read_bytes())
        monkeypatch.undo()
    assert saved[0] != saved[1], "the clock was not changed"
    first, second = (portable(data, model) for data in saved)
    assert first == second
    path.write_bytes(first)
    with quiet():
        keras.saving.load_model(path, compile=False)
