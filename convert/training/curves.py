"""The curves of a run as an SVG picture."""

from __future__ import annotations

import io
from collections.abc import Sequence


def curves_svg(history: Sequence[dict[str, float]]) -> bytes:
    """Draw loss and accuracy over the epochs; the same history gives the same bytes."""
    import matplotlib
    from matplotlib.figure import Figure

    epochs = [record["epoch"] for record in history]
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    loss_axes, accuracy_axes = figure.subplots(1, 2)
    for role, color in (("train", "#888888"), ("validation", "#0060a8")):
        losses = [record[f"{role}_loss"] for record in history]
        accuracies = [100 * record[f"{role}_accuracy"] for record in history]
        loss_axes.plot(epochs, losses, color=color, label=role)
        accuracy_axes.plot(epochs, accuracies, color=color, label=role)
    loss_axes.set(title="loss", xlabel="epoch", yscale="log")
    accuracy_axes.set(title="accuracy (%)", xlabel="epoch")
    for axes in (loss_axes, accuracy_axes):
        axes.grid(alpha=0.3)
        axes.legend()
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "minivgg-edge"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
