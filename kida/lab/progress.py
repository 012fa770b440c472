"""How far a long study is, in lines for a log."""

import json
import time

from kida.boundary import plain
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
