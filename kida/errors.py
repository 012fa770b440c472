"""The one exception that means "the user can mend this"."""


class UserError(Exception):
    """A mistake in what the user gave: the message names the cause and the remedy.

    The command line prints it as one sentence and exits with status 2; library code raises it
    wherever continuing would need a silent fallback.
    """
