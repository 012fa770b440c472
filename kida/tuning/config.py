"""What a tuning is asked to do, as data: the content of ``tune.json`` in its folder."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kida.boundary import Seconds, Seed
from kida.evaluation.verdict import Goal
from kida.settings import UserParameters, named_settings


class TuneConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a tuning is asked to do. A folder goes on with the same only.

    How long it may take, and where its solves are run, is no part of it: that may change when it is
    gone on with.

    Attributes
    ----------
    problems
        A folder, file or pattern of problem files, or a family's name.
    goal
        What is to become less, see :data:`kida.evaluation.verdict.Goal`; None: the time if the
        survey solves half of its files within the limit, else the gap over time.
    settings
        A name of :data:`kida.settings.SETTINGS`.
    user_parameters
        SCIP parameters of the user's own file, set on top.
    time_limit
        Seconds per solve, counted as the settings say; None: found from the survey.
    ordered
        Whether the files come in an order: the first half is learned from, the last half judged
        by.
    seed
        From it every random choice is derived.
    version
        Of the folder's layout.

    Raises
    ------
    UserError
        If there are no such settings.
    """

    problems: Annotated[str, Meta(min_length=1, max_length=4096)]
    goal: Goal | None = None
    settings: Annotated[str, Meta(max_length=100)] = "default"
    user_parameters: UserParameters = {}
    time_limit: Seconds | None = None
    ordered: bool = False
    seed: Seed = 0
    version: Literal[1] = 1

    def __post_init__(self) -> None:
        named_settings(self.settings)
