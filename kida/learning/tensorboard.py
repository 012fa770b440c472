"""A run's events as curves in TensorBoard (extra ``tensorboard``).

The log of the run is the source of truth: when a run goes on, the curves are drawn anew from it,
so that a killed run leaves no gaps and no doubles. To show more, add a line to ``CURVES``.
"""

import contextlib
import importlib.util
import math
from pathlib import Path
from typing import Any

from kida.boundary import decode_json
from kida.errors import UserError, missing_extra

#: Event to its fields and the curves that they are points of; the steps count the event.
CURVES: dict[str, dict[str, str]] = {
    "episode": {
        "reward": "episode/reward",
        "samples": "episode/samples",
        "nodes": "episode/nodes",
        "samples_per_second": "episode/samples_per_second",
    },
    "epoch": {
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

    def show(self, event: dict[str, Any]) -> None:
        """Add an event's points; the first event brings those of all logged ones.

        Raises
        ------
        UserError
            If the curves cannot be written.
        """
        try:
            if self._writer is None:
                self._open()
                events = self._logged()
            else:
                events = [event]
            for entry in events:
                self._add(entry)
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

    def _logged(self) -> list[dict[str, Any]]:
        log = self._run / "log.jsonl"
        lines = log.read_bytes().splitlines()
        trouble = f"{log} is no run's log (move it away, or leave out --tensorboard)"
        return [decode_json(line, dict[str, Any], trouble) for line in lines]

    def _add(self, event: dict[str, Any]) -> None:
        if event["event"] == "reward":
            # Measured again, from the same solves, when an interrupted selection goes on.
            name, _, number = event["policy"].partition("generation ")
            curve = f"selection/{name or 'generation'}"
            self._point(curve, event["reward"], int(number or 1), event["time"])
        for field, curve in CURVES.get(event["event"], {}).items():
            self._point(curve, event[field], self._steps.get(curve, 0) + 1, event["time"])

    def _point(self, curve: str, value: float | None, step: int, time: float) -> None:
        if step <= self._steps.get(curve, 0):
            return
        self._steps[curve] = step
        if value is not None and math.isfinite(value):
            self._writer.add_scalar(curve, value, step, wall_time=time)
