"""When a run stops early, and which epoch's weights it keeps then.

The learning rate falls along half a cosine, so a run that is cut off has not been annealed; but
what is judged is the average of the weights, which stands for a lower rate. Its validation loss
falls until the model begins to learn the training pictures by heart. From there more epochs of this
schedule only repeat them, so the run ends and the average of the best epoch is kept. All that is
decided by the history of the run: a run that resumes decides the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def best_epoch(history: Sequence[Mapping[str, float]], *, small_epochs: int = 0) -> int:
    """Return the epoch with the least validation loss, the earliest of equals.

    Args:
        history: one record an epoch.
        small_epochs: so many first ones saw smaller pictures. They are judged on whole ones, which
            says little, and are not chosen from.

    Returns:
        Counted from 1; before the first epoch of whole pictures the last one, 0 where there is
        none.
    """
    losses = [record["validation_loss"] for record in history[small_epochs:]]
    return small_epochs + losses.index(min(losses)) + 1 if losses else len(history)


def out_of_patience(
    history: Sequence[Mapping[str, float]], patience: int, *, small_epochs: int = 0
) -> bool:
    """Say whether the last `patience` epochs brought no lower validation loss; never with 0."""
    best = best_epoch(history, small_epochs=small_epochs)
    return patience > 0 and len(history) - best >= patience
