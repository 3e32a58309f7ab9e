"""Result files of every kind with plainly made-up figures, for the tests of the report.

Each function returns a fresh JSON value, so that a test may change what it likes.
"""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

LABELS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
OPS = (
    ("conv1_1", "CONV_2D", 884_736, 210_000),
    ("conv1_2", "CONV_2D", 9_437_184, 790_000),
    ("pool1", "MAX_POOL_2D", 0, 30_000),
    ("conv2_1", "CONV_2D", 4_718_592, 400_000),
    ("conv2_2", "CONV_2D", 9_437_184, 760_000),
    ("pool2", "MAX_POOL_2D", 0, 12_000),
    ("dense1", "FULLY_CONNECTED", 2_097_152, 290_000),
    ("dense2", "FULLY_CONNECTED", 5_120, 4_000),
    ("softmax", "SOFTMAX", 0, 4_000),
)
MACS = sum(macs for _, _, macs, _ in OPS)
_BOARDS = {
    "pi5": ("Raspberry Pi 5", "Cortex-A76", 2.4, "neoverse-n1", "arm64 trixie, Python 3.13", True),
    "pi4": (
        "Raspberry Pi 4 B",
        "Cortex-A72",
        1.8,
        "cortex-a72",
        "arm64 bookworm, Python 3.11",
        False,
    ),
    "pi3": (
        "Raspberry Pi 3 B+",
        "Cortex-A53",
        1.4,
        "cortex-a53",
        "arm64 bookworm, Python 3.11",
        False,
    ),
    "pi3-32bit": ("Raspberry Pi 3, 32 bit", "Cortex-A53", 1.4, None, "armhf bookworm", False),
}
# model, precision, engine, version, bytes, top-1, x86 ratio, Pi 5 instructions in millions
_PEERS = (
    ("minivgg", "int8", "ai-edge-litert", "9.9.1", 2_222_222, 0.8111, 1.0, 2.5),
    ("minivgg", "float32", "ai-edge-litert", "9.9.1", 8_888_888, 0.8122, 3.33, 9.5),
    ("minivgg", "float32", "onnxruntime", "9.9.2", 8_777_777, 0.8122, 3.11, 11.1),
    ("minivgg", "int8", "onnxruntime", "9.9.2", 2_333_333, 0.8099, 0.77, 3.9),
    ("minivgg", "int8", "tflite-runtime", "9.9.3", 2_222_222, 0.8111, 4.44, 11.0),
    ("minivgg", "float32", "openvino", "9.9.4", 8_666_666, 0.8122, 2.99, None),
    ("mlperf-tiny-resnet8", "int8", "ai-edge-litert", "9.9.1", 99_999, 0.7777, 0.55, 1.5),
    ("mlperf-tiny-large", "int8", "ai-edge-litert", "9.9.1", 555_555, 0.8555, 2.22, 7.7),
)


def state(**changes: Any) -> dict[str, Any]:
    return {
        "governor": None,
        "frequency_mhz": [2222.0, 2222.0],
        "temperature_c": None,
        "throttled": None,
        "load_1min": 0.25,
        "cpu_model": "Made-up CPU 1234",
        "cpu_features": ["avx2", "avx512_vnni"],
        "cores": 2,
        "memory_bytes": 24_000_000_000,
        "virtual": True,
        "os": "Linux",
        "kernel": "9.9.9",
        "libc": "glibc 9.99",
        "python": "3.99.1",
        "numpy": "9.9.9",
        "runtime": "ai-edge-litert 9.9.1",
        **changes,
    }


def latency(case: str, p50_ms: float, ratio: float | None, **changes: Any) -> dict[str, Any]:
    edges = [p50_ms * (0.9 + 0.02 * i) for i in range(31)]
    heights = [math.exp(-(((i - 5) / 4) ** 2)) + 0.15 * math.exp(-i / 9) for i in range(30)]
    return {
        "case": case,
        "num_threads": 1,
        "batch": 1,
        "rounds": 1234,
        "p50_ms": p50_ms,
        "p90_ms": 1.1 * p50_ms,
        "p95_ms": 1.2 * p50_ms,
        "p99_ms": 1.4 * p50_ms,
        "mean_ms": 1.02 * p50_ms,
        "min_ms": 0.9 * p50_ms,
        "max_ms": 2 * p50_ms,
        "ratio": ratio,
        "histogram": {"edges_ms": edges, "counts": [round(100 * h) for h in heights]},
        **changes,
    }


def entry(precision: str, **changes: Any) -> dict[str, Any]:
    factor = 1.0 if precision == "int8" else 3.3
    cases = {"invoke": 0.2, "classify-array": 0.21, "classify-png": 0.5, "classify-jpeg-12mp": 99.0}
    found = [latency(case, ms * factor, factor) for case, ms in cases.items()]
    found.append(latency("invoke", 0.12 * factor, factor, num_threads=2))
    return {
        "model": "minivgg",
        "precision": precision,
        "engine": "ai-edge-litert",
        "engine_version": "9.9.1",
        "is_reference": precision == "int8",
        "sha256": "0" * 64,
        "size_bytes": 2_222_222 if precision == "int8" else 8_888_888,
        "latency": found,
        "first_inference_ms": 1.5 * factor,
        "images_per_second": 5000 / factor,
        "cold_start": {
            "processes": 11,
            "phases_ms": {
                "python": 15.0,
                "numpy": 66.0,
                "runtime": 22.0,
                "package": 5.5,
                "load": 3.3 * factor,
                "first": 1.5 * factor,
            },
            "total_ms": {"p50": 115.0 + factor, "min": 111.0, "max": 133.0},
        },
        "memory": {
            "peak_rss_bytes": 66_666_666,
            "steady_rss_bytes": 55_555_555,
            "baseline_rss_bytes": 33_333_333,
        },
        "accuracy": None,
        "sustained": None,
        **changes,
    }


def bench(**changes: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "bench",
        "date": "2001-02-03",
        "command": "make bench",
        "board": "x86-64 Made-up CPU, 2 cores",
        "machine": {
            "before": state(),
            "after": state(load_1min=1.02),
            "valid": True,
            "reasons": [],
            "not_available": ["governor", "temperature_c", "throttled"],
            "is_arm": False,
            "note": "x86-64 times are not ARM times",
        },
        "entries": [entry("int8"), entry("float32")],
        **changes,
    }


def board_bench() -> dict[str, Any]:
    """A real board whose clock was throttled, in sustained mode."""
    value = bench(board="Raspberry Pi 5 Model B", command="minivgg-edge bench --json pi5.json")
    still = state(governor="ondemand", temperature_c=55.5, throttled="0x0", virtual=False)
    value["machine"] = {
        "before": still,
        "after": {**still, "temperature_c": 84.5, "throttled": "0x80008"},
        "valid": False,
        "reasons": ["throttle bits changed from 0x0 to 0x80008"],
        "not_available": [],
        "is_arm": True,
        "note": "",
    }
    value["entries"][0]["sustained"] = [
        {
            "minute": minute,
            "p50_ms": 0.5 + 0.05 * minute,
            "p95_ms": 0.7 + 0.05 * minute,
            "images_per_second": 1999.0 - 99 * minute,
            "temperature_c": 55.5 + 9 * minute,
        }
        for minute in (1, 2, 3)
    ]
    return value


def peers() -> dict[str, Any]:
    entries = [
        entry(
            precision,
            model=model,
            engine=engine,
            engine_version=version,
            is_reference=(model, precision, engine) == ("minivgg", "int8", "ai-edge-litert"),
            size_bytes=size,
            latency=[latency("invoke", 0.2 * ratio, ratio)],
            cold_start=None,
            accuracy={
                "dataset": "CIFAR-10",
                "split": "test",
                "count": 10_000,
                "top1": top1,
                "low": top1 - 0.0077,
                "high": top1 + 0.0076,
            },
        )
        for model, precision, engine, version, size, top1, ratio, _ in _PEERS
    ]
    return {
        "schema": 1,
        "kind": "peers",
        "date": "2001-02-04",
        "command": "make peers",
        "board": "x86-64 Made-up CPU, 2 cores",
        "machine_note": "x86-64 times are not ARM times",
        "machine": bench()["machine"],
        "entries": entries,
        "missing": [{"engine": "ncnn", "reason": "not installed: no wheel for Python 3.99"}],
    }


def answers() -> dict[str, Any]:
    random = np.random.default_rng(7)
    matrices = {}
    for name, right in (("float32", 83), ("int8", 82)):
        matrix = random.integers(0, 4, (10, 10))
        np.fill_diagonal(matrix, 0)
        np.fill_diagonal(matrix, 100 - matrix.sum(axis=1))
        matrices[name] = {"top1": float(np.trace(matrix)) / 1000, "confusion": matrix.tolist()}
        assert right  # the values differ by the generator alone
    flips = [
        {
            "index": 11 * number,
            "truth": LABELS[number % 10],
            "float32_label": LABELS[number % 10],
            "float32_score": 0.55,
            "int8_label": LABELS[(number + 3) % 10],
            "int8_score": 0.5,
            "png_base64": picture(number),
        }
        for number in range(7)
    ]
    return {
        "schema": 1,
        "kind": "answers",
        "date": "2001-02-05",
        "command": "python -m benchmarks.answers",
        "dataset": "CIFAR-10",
        "split": "test",
        "count": 1000,
        "labels": list(LABELS),
        **matrices,
        "flips": flips,
        "flip_count": 9,
    }


def picture(seed: int) -> str:
    """Return a PNG of 32x32 pixels in base64: a disk before a gradient."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    image = np.stack([120 + 3 * x, 60 + 4 * y, np.full((32, 32), 140)], axis=-1)
    center = random.integers(10, 22, 2)
    image[(x - center[0]) ** 2 + (y - center[1]) ** 2 < 60] = random.integers(0, 256, 3)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def arm_run(board: str, peer: tuple[Any, ...], scale: float) -> dict[str, Any]:
    model, precision, engine, version, size, top1, _, pi5_millions = peer
    steady = round(1e6 * pi5_millions * scale)
    own = (model, engine) == ("minivgg", "ai-edge-litert")
    clock = _BOARDS[board][2]
    cycles = steady * (0.5 if board == "pi5" else 1.1)
    modelled = {
        "cycles": round(cycles),
        "covered": 0.985,
        "memory_ms": 0.01,
        "ms": cycles / clock / 1e6,
        "error_factor": 1.29,
    }
    macs = MACS if model == "minivgg" else 12_500_000
    lanes = 16 if board == "pi5" else 8
    shares = [count / sum(op[3] for op in OPS) for _, _, _, count in OPS]
    return {
        "board": board,
        "model": model,
        "precision": precision,
        "engine": engine,
        "engine_version": version,
        "sha256": "0" * 64,
        "size_bytes": size,
        "macs": macs,
        "phases": {
            "python": 55_000_000,
            "numpy": 222_000_000,
            "runtime": 33_000_000,
            "package": 11_000_000,
            "load": 7_000_000,
            "first": steady + 100_000,
        }
        if own
        else None,
        "preprocess": {"array": 44_000, "png": 3_300_000} if own else None,
        "steady": steady,
        "classify": steady + 33_000 if own else None,
        "cold_start": 333_000_000 if own else None,
        "cold_start_bare": 317_000_000 if own else None,
        "modelled": None if board == "pi3-32bit" else modelled,
        "limit": {
            "instruction": "SDOT" if board == "pi5" else "SMLAL",
            "macs_per_instruction": lanes,
            "instructions": macs // lanes,
            "ratio": steady / (macs / lanes),
        },
        "ops": [
            {"name": name, "kind": kind, "macs": m, "instructions": round(share * steady)}
            for (name, kind, m, _), share in zip(OPS, shares, strict=True)
        ]
        if own
        else None,
        "accuracy": {"count": 10_000, "top1": top1},
    }


def arm() -> dict[str, Any]:
    scales = {"pi5": 1.0, "pi4": 3.0, "pi3": 4.0, "pi3-32bit": 4.4}
    runs = [
        arm_run(board, peer, scale)
        for board, scale in scales.items()
        for peer in _PEERS
        if peer[-1] is not None and (board != "pi3-32bit" or peer[2] == "tflite-runtime")
    ]
    networks = ("MobileNet V1 1.0 224", "MobileNet V2 1.0 224", "Made-up Net")
    rows = [
        {
            "network": network,
            "precision": "int8",
            "board": "Raspberry Pi 4",
            "core": "Cortex-A72",
            "threads": 1,
            "published_ms": 44.0 + 11 * number,
            "engine": "TFLite",
            "source": "a made-up blog post, 2001, table 3",
            "modelled_ms": 55.0 + 5 * number,
            "factor": max(
                (44.0 + 11 * number) / (55 + 5 * number), (55 + 5 * number) / (44 + 11 * number)
            ),
        }
        for number, network in enumerate(networks)
    ]
    return {
        "schema": 1,
        "kind": "arm",
        "date": "2001-02-06",
        "command": "make arm",
        "tools": {"qemu": "9.9.9", "llvm_mca": "99.1"},
        "boards": {
            board: {
                "title": title,
                "core": core,
                "clock_ghz": clock,
                "mca_cpu": mca,
                "system": system,
                "sysroot_digest": "f" * 64,
                "versions": {"numpy": "9.9.9"},
                "dot_product": dot,
            }
            for board, (title, core, clock, mca, system, dot) in _BOARDS.items()
        },
        "runs": runs,
        "agreement": [
            {
                "board": board,
                "engine": "ai-edge-litert",
                "engine_version": "9.9.1",
                "pictures": 1000,
                "top1_identical": 999,
                "ties": 1,
                "max_step": 1,
                "differing_outputs": 12,
            }
            for board in ("pi5", "pi4", "pi3")
        ],
        "missing": [
            {"board": board, "engine": "onnxruntime", "reason": "no wheel for 32-bit ARM"}
            for board in ("pi3", "pi3-32bit")
        ],
        "validation": {"rows": rows, "median_factor": 1.25, "within_1_5": 3},
    }


def validation() -> dict[str, Any]:
    """The same comparison as the command that makes it writes it, a day later: one more row."""
    found = arm()["validation"]
    added = found["rows"][0] | {"network": "Made-up Net 2", "published_ms": 100.0}
    added |= {"modelled_ms": 50.0, "factor": 2.0, "source": "another made-up post"}
    return {
        **found,
        "rows": [*found["rows"], added],
        "median_factor_by_board": {"Raspberry Pi 4 B": 1.33},
        "date": "2001-02-07",
        "command": "python -m made.up.validation",
    }


def write(folder: Path, **documents: dict[str, Any]) -> list[Path]:
    """Write each document to `folder` as NAME.json and return the paths."""
    paths = []
    for name, document in documents.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
        paths.append(path)
    return paths


def write_all(folder: Path) -> list[Path]:
    """Write one file of each kind, and a second bench: of a board, invalid."""
    return write(
        folder, host=bench(), board=board_bench(), peers=peers(), answers=answers(), arm=arm()
    )
