"""The models and pictures that every board gets."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.arm.candidates import (
    TFLITE,
    Candidate,
    family_candidates,
    mlperf_candidates,
    onnx_candidates,
    our_candidates,
)
from benchmarks.arm.lane import Material
from benchmarks.arm.wheels import build_wheel
from benchmarks.models import PUBLISHED
from benchmarks.pictures import read_pictures, read_test_pictures
from benchmarks.shared_material import shared_folder
from convert.data.pictures import PictureSet
from convert.int8.arguments import DEFAULT_MODEL
from convert.int8.float_model import load_float_model
from convert.int8.predict import predict
from minivgg_edge.catalog import load_model

_CHECKOUT = Path(__file__).parents[2]
_CAMERA_SIZE = (480, 640)  # height and width of a camera's preview


def load_material(
    data: Path | None, *, pictures: int, work: Path, peers: bool, say: Callable[[str], None]
) -> Material:
    """Write the model files, build the wheel and choose the pictures.

    Args:
        data: For accuracy: CIFAR-10; None is the embedded sample.
        pictures: How many of the embedded sample's test pictures are answered on each board.
        work: Folder of the lane.
        peers: Whether other engines and other models take part.
        say: Told what is left out.

    Raises:
        DataError: The data do not fit the model.
        LaneError: The wheel cannot be built.
    """
    file = load_model()
    float_model = load_float_model(DEFAULT_MODEL)
    dataset, test = read_test_pictures(data, file)
    # Always of the embedded sample: the baseline's answers are to them.
    _, sample = read_test_pictures(None, file)
    ours = our_candidates(Path(file.source), float_model, work=work)
    candidates = [*ours, *family_candidates(PUBLISHED, work=work)]
    if peers:
        shared = shared_folder()
        candidates += _onnx(ours, data, work=work, say=say)
        candidates += mlperf_candidates(shared / "peers" / "mlperf-tiny", say=say)
    folder = work.resolve() / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    height, width = file.manifest.input.height, file.manifest.input.width
    picture = folder / "picture.npy"
    np.save(picture, random.integers(0, 256, (height, width, 3), dtype=np.uint8))
    png = folder / "camera.png"
    _write_png(png, sample.images[: 8 * 8])
    return Material(
        candidates=candidates,
        wheel=build_wheel(_CHECKOUT, work=work),
        picture=picture,
        png=png,
        pictures=sample.images[:pictures],
        pictures_digest=hashlib.sha256(sample.images.tobytes()).hexdigest(),
        labels=file.labels,
        accuracy={
            candidate.sha256: _accuracy(candidate, test)
            for candidate in candidates
            if candidate.kind == TFLITE
        },
        accuracy_count=len(test),
        dataset=dataset,
    )


def _onnx(
    ours: list[Candidate], data: Path | None, *, work: Path, say: Callable[[str], None]
) -> list[Candidate]:
    """Write the ONNX graphs of our models, where the packages for it are installed."""
    if importlib.util.find_spec("onnx") is None or importlib.util.find_spec("onnxruntime") is None:
        say("ONNX Runtime is not measured: run `pip install '.[peers]'`")
        return []
    from benchmarks.peers.model_files import Material as PeerMaterial
    from benchmarks.peers.model_files import onnx_files

    file = load_model()
    found = onnx_files(
        PeerMaterial(
            int8_file=Path(file.source),
            float_model=load_float_model(DEFAULT_MODEL),
            calibration=read_pictures(data, file).calibration,
            mlperf_folder=Path(),
            work_folder=work,
        )
    )
    return onnx_candidates(ours, {files.precision: files.files[0] for files in found})


def _write_png(path: Path, pictures: np.ndarray) -> None:
    """Write a mosaic of pictures, enlarged to a camera's size: noise would compress unlike one."""
    from PIL import Image

    side = round(len(pictures) ** 0.5)
    rows = [np.concatenate(pictures[row * side : (row + 1) * side], axis=1) for row in range(side)]
    height, width = _CAMERA_SIZE
    mosaic = Image.fromarray(np.concatenate(rows, axis=0))
    mosaic.resize((width, height), Image.Resampling.BILINEAR).save(path)


def _accuracy(candidate: Candidate, test: PictureSet) -> float:
    """Top-1 accuracy on this machine, a fraction."""
    answers = predict(candidate.path.read_bytes(), test.images).argmax(axis=1)
    return float((answers == test.labels).mean())
