"""The page in a real browser: it loads without a complaint, its charts show, nothing overflows.

A page that embeds the report at the width of a phone or a desk measures it and leaves what it found
in its own document, which `chromium --dump-dom` prints: no driver and no network are needed.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from report_results import write_all

from convert.report.page import page
from convert.report.results import read_results

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (apt: chromium)")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)
_SCHEMES = {"dark": 0, "light": 1}  # Chromium's mojom::PreferredColorScheme

_PROBE = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="page" width="{width}" height="900" style="border:0" srcdoc="{page}"></iframe>
<pre id="found"></pre>
<script>
document.getElementById("page").addEventListener("load", event => {{
  const inner = event.target.contentDocument;
  inner.querySelectorAll("details").forEach(element => element.open = true);
  const box = element => element.getBoundingClientRect();
  const shown = element => box(element).width > 0 && box(element).height > 0;
  const charts = [...inner.querySelectorAll("svg.chart")].map(svg => ({{
    kind: svg.getAttribute("class"), width: box(svg).width, height: box(svg).height,
    marks: [...svg.querySelectorAll("circle,rect,path,polygon,polyline,text")].filter(shown).length,
  }}));
  const root = inner.documentElement;
  const spilling = [...inner.querySelectorAll("body *")].filter(element =>
    box(element).right > root.clientWidth + 1 && !element.closest(".scroll, svg"));
  const images = [...inner.querySelectorAll("img")];
  document.getElementById("found").textContent = JSON.stringify({{
    charts, width: root.clientWidth, scrollWidth: root.scrollWidth,
    spilling: spilling.map(element => element.outerHTML.slice(0, 120)),
    images: images.length, loaded: images.filter(image => image.naturalWidth === 32).length,
    pixelated: images.every(image => getComputedStyle(image).imageRendering === "pixelated"),
  }});
}});
</script>"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Chromium with a profile of its own on a file."""

    def run(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [str(CHROMIUM), *_FLAGS, profile, *options, path.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    return run


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "index.html"
    path.write_text(page(read_results(write_all(tmp_path))), encoding="utf-8")
    return path


def _console(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if "CONSOLE" in line]


def _measure(
    run: Callable[..., subprocess.CompletedProcess[str]], report: Path, width: int
) -> dict[str, Any]:
    probe = report.with_name("probe.html")
    text = html.escape(report.read_text(encoding="utf-8"))
    # Pictures below the fold are loaded when they come near; the probe has no fold.
    text = text.replace("loading=&quot;lazy&quot;", "")
    probe.write_text(_PROBE.format(width=width, page=text), encoding="utf-8")
    done = run(probe, "--dump-dom", "--virtual-time-budget=10000")
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    return json.loads(html.unescape(found))


def test_it_loads_without_a_complaint(
    run: Callable[..., subprocess.CompletedProcess[str]], report: Path
) -> None:
    done = run(report, "--dump-dom")
    assert "what int8 costs and saves" in done.stdout
    assert _console(done.stderr) == []


def test_a_complaint_would_be_seen(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<!doctype html><script>nowhere.to.be.found()</script>", encoding="utf-8")
    assert len(_console(run(path, "--dump-dom").stderr)) == 1


@pytest.mark.parametrize("width", [320, 360, 1200])
def test_charts_show_and_nothing_overflows(
    run: Callable[..., subprocess.CompletedProcess[str]], report: Path, width: int
) -> None:
    found = _measure(run, report, width)
    assert found["width"] == width
    assert found["scrollWidth"] == width
    assert found["spilling"] == []
    kinds = [chart["kind"] for chart in found["charts"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "chart scatter": 4,
        "chart histogram": 8,
        "chart stacked": 10,
        "chart opbar": 54,
    }
    fewest = {"scatter": 20, "histogram": 5, "stacked": 7, "opbar": 2}
    for chart in found["charts"]:
        assert chart["width"] > 30
        assert chart["height"] > 10
        assert chart["marks"] >= fewest[chart["kind"].split()[1]], chart
    assert (found["images"], found["loaded"], found["pixelated"]) == (7, 7, True)


def test_overflow_would_be_seen(
    run: Callable[..., subprocess.CompletedProcess[str]], report: Path
) -> None:
    text = report.read_text(encoding="utf-8")
    report.write_text(text.replace("<main>", '<main><div style="width:700px">wide</div>'), "utf-8")
    found = _measure(run, report, 360)
    assert found["scrollWidth"] > 360
    assert len(found["spilling"]) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshot(
    run: Callable[..., subprocess.CompletedProcess[str]], report: Path, scheme: str
) -> None:
    shot = report.with_name(f"{scheme}.png")
    run(
        report,
        f"--screenshot={shot}",
        "--window-size=1000,3000",
        f"--blink-settings=preferredColorScheme={_SCHEMES[scheme]}",
    )
    pixels = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    assert pixels.shape == (3000, 1000, 3)
    background = pixels[5, 5].mean()
    assert background > 240 if scheme == "light" else background < 40
    # Text and charts are far from the background, and there is some in every part of the page.
    far = np.abs(pixels - pixels[5, 5]).max(axis=2) > 100
    assert all(part.mean() > 0.005 for part in np.array_split(far, 6))
    assert len(np.unique(pixels @ [1, 256, 65536])) > 50
