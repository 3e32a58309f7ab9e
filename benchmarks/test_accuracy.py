"""Answers to labeled pictures: the embedded sample's, or with `--data` all of CIFAR-10's test."""

from __future__ import annotations

import dataclasses

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.host import Results
from convert.data.pictures import PictureSet
from convert.int8.predict import predict
from minivgg_edge.catalog import load_model
from minivgg_edge.measure.accuracy import accuracy_of


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_accuracy(
    benchmark: BenchmarkFixture,
    results: Results,
    models: dict[str, str],
    test_pictures: tuple[str, PictureSet],
    precision: str,
) -> None:
    dataset, pictures = test_pictures
    benchmark.group = "accuracy, all pictures"
    flatbuffer = load_model(models[precision]).flatbuffer
    outputs = benchmark.pedantic(predict, args=(flatbuffer, pictures.images), rounds=1)
    right = int((outputs.argmax(axis=1) == pictures.labels).sum())
    accuracy = accuracy_of(right, len(pictures), dataset=dataset, split="test")
    results.complete(precision, accuracy=accuracy)
    benchmark.extra_info.update(
        precision=precision,
        model_sha256=results.entry(precision).sha256,
        pictures_digest=pictures.digest,
        **dataclasses.asdict(accuracy),
    )
