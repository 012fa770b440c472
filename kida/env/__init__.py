"""Branch and bound one decision at a time, for experiments; see docs/environment.md."""

from kida.env.actions import DEFAULT
from kida.env.branching import Branching
from kida.env.configuring import Configuring
from kida.env.functions import Function, Lazy
from kida.env.node_selection import NodeSelection

__all__ = ["DEFAULT", "Branching", "Configuring", "Function", "Lazy", "NodeSelection"]
