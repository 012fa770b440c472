"""A run's events as curves in TensorBoard (extra ``tensorboard``).

The log of the run is the source of truth: when a run goes on, the curves are drawn anew from it,
so that a killed run leaves no gaps and no doubles. To show more, add a line to ``CURVES``.
"""

import contextlib
import importlib.util
import math
import time
from pathlib import Path
from typing import Any

from kida.errors import UserError, missing_extra
from kida.learning.events import EpisodeEnded, Epoch, Event, Rewarded
from kida.learning.run import read_log

#: Event to its fields and the curves that they are points of; the steps count the event.
CURVES: dict[type[Event], dict[str, str]] = {
    EpisodeEnded: {
        "reward": "episode/reward",
        "samples": "episode/samples",
        "nodes": "episode/nodes",
        "samples_per_second": "episode/samples_per_second",
    },
    Epoch: {
        "loss": "epoch/loss",
        "learning_rate": "epoch/learning_rate",
        "samples_per_second": "epoch/samples_per_second",
        "validation_loss": "epoch/validation_loss",
        "validation_top1": "epoch/validation_top1",
        "validation_top5": "epoch/validation_top5",
        "validation_score_ratio": "epoch/validation_score_ratio",
    },
}


class TensorBoard:
    """A listener that writes event files below ``RUN/tensorboard``; a context manager.

    Parameters
    ----------
    run
        The run folder; nothing is written before its first event.

    Raises
    ------
    UserError
        If TensorBoard is not installed.
    """

    def __init__(self, run: Path) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise missing_extra("--tensorboard", "TensorBoard", "tensorboard")
        self._run = run
        self._writer: Any = None
        self._steps: dict[str, int] = {}

    def __enter__(self) -> "TensorBoard":
        return self

    def __exit__(self, *error: object) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError):  # told by `show`, if it matters
                self._writer.close()

    def show(self, event: Event) -> None:
        """Add an event's points; the first event brings those of all logged ones.

        Raises
        ------
        UserError
            If the curves cannot be written.
        """
        try:
            if self._writer is None:
                self._open()
                # The event is among them, unless it is none to be logged.
                for line in read_log(self._run):
                    self._add(line.event, line.time)
            else:
                self._add(event, time.time())
            self._writer.flush()
        except OSError as error:
            raise UserError(
                f"cannot write the curves in {self._run / 'tensorboard'} ({error.strerror}): "
                "free some space, or leave out --tensorboard"
            ) from error

    def _open(self) -> None:
        from tensorboard.summary import Writer

        folder = self._run / "tensorboard"
        for file in folder.glob("events.out.tfevents.*"):
            file.unlink()
        self._writer = Writer(str(folder))

    def _add(self, event: Event | None, when: float) -> None:
        if event is None:
            return
        if isinstance(event, Rewarded):
            # Measured again, from the same solves, when an interrupted selection goes on.
            name, _, number = event.policy.partition("generation ")
            self._point(f"selection/{name or 'generation'}", event.reward, int(number or 1), when)
        for field, curve in CURVES.get(type(event), {}).items():
            self._point(curve, getattr(event, field), self._steps.get(curve, 0) + 1, when)

    def _point(self, curve: str, value: float | None, step: int, when: float) -> None:
        if step <= self._steps.get(curve, 0):
            return
        self._steps[curve] = step
        if value is not None and math.isfinite(value):
            self._writer.add_scalar(curve, value, step, wall_time=when)
