"""Where a run keeps what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one run; all lie below one folder, and the data folder is only read.

    Attributes:
        out: the run's folder.
        name: of the model.
    """

    out: Path
    name: str

    @property
    def state(self) -> Path:
        """What is done, see `convert.pipeline.state`."""
        return self.out / "state.json"

    @property
    def scan(self) -> Path:
        """The scan. Training looks for it beside the split."""
        return self.out / "scan.json"

    @property
    def scan_page(self) -> Path:
        """The scan with thumbnails."""
        return self.out / "scan.html"

    @property
    def split(self) -> Path:
        """The roles of the pictures; must outlive everything else here."""
        return self.out / "split.json"

    @property
    def training(self) -> Path:
        """The folder of the training."""
        return self.out / "training"

    @property
    def float_model(self) -> Path:
        """The float model."""
        return self.training / "model.keras"

    @property
    def training_record(self) -> Path:
        """How it was trained and how good it is."""
        return self.training / "training.json"

    @property
    def curves(self) -> Path:
        """Loss and accuracy over the epochs."""
        return self.training / "curves.svg"

    @property
    def checkpoint(self) -> Path:
        """The state of a training that is not finished."""
        return self.training / "checkpoint.npz"

    @property
    def compiled(self) -> Path:
        """The compiled model."""
        return self.out / f"{self.name}.tflite"

    @property
    def float_compiled(self) -> Path:
        """The float32 by-product of the compilation."""
        return self.out / f"{self.name}.float.tflite"

    @property
    def quantization(self) -> Path:
        """The report of the compilation, also of one that the gate refused."""
        return self.out / "quantization.json"

    @property
    def quantization_page(self) -> Path:
        """The same as a page."""
        return self.quantization.with_suffix(".html")

    @property
    def wheels(self) -> Path:
        """The folder of the wheel and of the tar for a board."""
        return self.out / "dist"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.out / "model-card.md"

    @property
    def page(self) -> Path:
        """The report."""
        return self.out / "report.html"

    def own_names(self) -> frozenset[str]:
        """Return the names of all that a run leaves in its folder."""
        own = (
            *(self.state, self.scan, self.scan_page, self.split, self.training, self.compiled),
            *(self.float_compiled, self.quantization, self.quantization_page, self.wheels),
            *(self.card, self.page),
        )
        return frozenset(path.name for path in own)
