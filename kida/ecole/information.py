"""``ecole.information``."""

from typing import Any


class Nothing:
    """No information: an empty dictionary."""

    def before_reset(self, model: Any) -> None:
        """Do nothing."""

    def extract(self, model: Any, done: bool) -> dict[str, Any]:
        """Return an empty dictionary."""
        return {}
