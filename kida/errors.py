"""The one exception that means "the user can mend this", and its most frequent message."""

from importlib.metadata import PackageNotFoundError, entry_points, version

#: What kida is installed as: on the public index ``kida`` is an unrelated project.
DISTRIBUTION = "kida-scip"


class UserError(Exception):
    """A mistake in what the user gave: the message names the cause and the remedy.

    The command line prints it as one sentence and exits with status 2; library code raises it
    wherever continuing would need a silent fallback.
    """


def missing_extra(what: str, package: str, extra: str) -> UserError:
    """Return the error that says that ``what`` needs a package of one of kida's extras."""
    return UserError(
        f"{what} needs {package}, which is not installed and comes with the extra {extra!r} of "
        f"{installed_as()}: pip install '.[{extra}]' in its folder of sources, or the wheel's file "
        f"with [{extra}] behind its name"
    )


def other_version(tool: str, does: str, tested: str) -> UserError:
    """Return the error that says that a modelling tool does not call a rule as ``tested`` does."""
    return UserError(
        f"this version of {tool} {does} its SCIP models elsewhere, and the policy did not branch; "
        f"use {tool} {tested}"
    )


def installed_as() -> str:
    """Return the name of the distribution that this kida was installed from."""
    try:
        version(DISTRIBUTION)
    except PackageNotFoundError:
        # Environments made before that name was chosen have it as "kida". The command tells it
        # from a "kida" of the index, which is somebody else's.
        for entry in entry_points(group="console_scripts", name="kida"):
            if entry.value == "kida.cli:command" and entry.dist is not None:
                return entry.dist.name
    return DISTRIBUTION
