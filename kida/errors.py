"""The one exception that means "the user can mend this", and its most frequent message."""


class UserError(Exception):
    """A mistake in what the user gave: the message names the cause and the remedy.

    The command line prints it as one sentence and exits with status 2; library code raises it
    wherever continuing would need a silent fallback.
    """


def missing_extra(what: str, package: str, extra: str) -> UserError:
    """Return the error that says that ``what`` needs a package of one of kida's extras."""
    return UserError(
        f"{what} needs {package}, which is not installed: "
        f"pip install '.[{extra}]' in kida's folder of sources"
    )
