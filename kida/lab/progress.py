"""How far a long study is, in lines for a log, and what came of it."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kida.boundary import plain, write_json
from kida.files import atomic_path
from kida.learning.events import EpisodeEnded, Epoch, Event, Tick

# Seconds between two lines on how far a step is.
_PAUSE = 60.0


class Lines:
    """A listener that prints what begins, and once a minute how far it is."""

    def __init__(self) -> None:
        self._last = -_PAUSE

    def __call__(self, event: Event) -> None:
        """Print the event, or not."""
        if isinstance(event, Tick | EpisodeEnded | Epoch):
            if time.monotonic() - self._last < _PAUSE:
                return
            self._last = time.monotonic()
        text = getattr(event, "text", None) or json.dumps(plain(event))
        print(time.strftime("%H:%M:%S"), text, flush=True)


def publish(folder: Path, name: str, content: Mapping[str, Any], text: str) -> None:
    """Write a study's content and its tables into FOLDER/NAME.json and .md; print them."""
    write_json(folder / f"{name}.json", content)
    with atomic_path(folder / f"{name}.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text, flush=True)
