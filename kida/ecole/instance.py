"""``ecole.instance``: endless streams of random instances, and of files.

The distributions are Ecole's; the instances of a seed are not, as the random numbers are kida's.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from kida.ecole.errors import Exception, IteratorExhausted
from kida.ecole.random import RandomGenerator, spawn_random_generator
from kida.ecole.scip import Model
from kida.instances.combinatorial_auction import combinatorial_auction
from kida.instances.facility_location import facility_location
from kida.instances.folder import is_problem
from kida.instances.independent_set import independent_set
from kida.instances.program import Program
from kida.instances.set_cover import set_cover
from kida.instances.source import Source
from kida.solver.problem import build_model


class _Generator:
    """An iterator over models; parameters are attributes, by Ecole's names."""

    def __init__(self, rng: RandomGenerator | None = None) -> None:
        self._rng = spawn_random_generator() if rng is None else rng

    def __iter__(self) -> Iterator[Model]:
        return self

    def __next__(self) -> Model:
        return Model(build_model(self._program(Source(self._rng()))))

    def seed(self, value: int) -> None:
        """Begin another stream."""
        self._rng.seed(value)

    @classmethod
    def generate_instance(cls, rng: RandomGenerator, **parameters: Any) -> Model:
        """Return one instance, drawn from ``rng``; parameters as of the constructor."""
        return next(cls(rng=rng, **parameters))

    def _program(self, source: Source) -> Program:
        raise NotImplementedError


def _require(given: dict[str, Any], offered: dict[str, Any]) -> None:
    """Refuse parameters of Ecole's that have other values than the one that kida draws by."""
    for name, value in given.items():
        if name not in offered:
            raise Exception(f"there is no parameter {name!r}; others are {', '.join(offered)}")
        if value != offered[name]:
            raise Exception(f"{name} = {value!r} is not offered here, only {offered[name]!r}")


class SetCoverGenerator(_Generator):
    """Set cover, by the scheme of Balas and Ho (1980)."""

    def __init__(
        self,
        n_rows: int = 500,
        n_cols: int = 1000,
        density: float = 0.05,
        max_coef: int = 100,
        rng: RandomGenerator | None = None,
    ) -> None:
        super().__init__(rng)
        self.n_rows, self.n_cols, self.density, self.max_coef = n_rows, n_cols, density, max_coef

    def _program(self, source: Source) -> Program:
        return set_cover("set_cover", source, self.n_rows, self.n_cols, self.density, self.max_coef)


class CombinatorialAuctionGenerator(_Generator):
    """Combinatorial auctions, by the scheme of Leyton-Brown et al. (2000)."""

    def __init__(
        self,
        n_items: int = 100,
        n_bids: int = 500,
        rng: RandomGenerator | None = None,
        **fixed: Any,
    ) -> None:
        offered = {
            "min_value": 1,
            "max_value": 100,
            "value_deviation": 0.5,
            "add_item_prob": 0.7,
            "max_n_sub_bids": 5,
            "additivity": 0.2,
            "budget_factor": 1.5,
            "resale_factor": 0.5,
            "integers": False,
            "warnings": False,
        }
        _require(fixed, offered)
        super().__init__(rng)
        self.n_items, self.n_bids = n_items, n_bids

    def _program(self, source: Source) -> Program:
        return combinatorial_auction("auction", source, self.n_items, self.n_bids)


class CapacitatedFacilityLocationGenerator(_Generator):
    """Capacitated facility location, by the scheme of Cornuejols et al. (1991)."""

    def __init__(
        self,
        n_customers: int = 100,
        n_facilities: int = 100,
        ratio: float = 5.0,
        rng: RandomGenerator | None = None,
        **fixed: Any,
    ) -> None:
        offered = {
            "continuous_assignment": True,
            "demand_interval": (5, 36),
            "capacity_interval": (10, 161),
            "fixed_cost_cste_interval": (0, 91),
            "fixed_cost_scale_interval": (100, 111),
        }
        _require(fixed, offered)
        super().__init__(rng)
        self.n_customers, self.n_facilities, self.ratio = n_customers, n_facilities, ratio

    def _program(self, source: Source) -> Program:
        return facility_location(
            "facilities", source, self.n_customers, self.n_facilities, self.ratio
        )


class IndependentSetGenerator(_Generator):
    """Maximum independent sets of Barabasi-Albert graphs."""

    class GraphType(StrEnum):
        """Kinds of graphs, of which one is offered."""

        barabasi_albert = "barabasi_albert"
        erdos_renyi = "erdos_renyi"

    def __init__(
        self,
        n_nodes: int = 500,
        graph_type: str = GraphType.barabasi_albert,
        edge_probability: float = 0.25,
        affinity: int = 4,
        rng: RandomGenerator | None = None,
    ) -> None:
        # The probability is of the other kind's edges.
        _require({"graph_type": str(graph_type)}, {"graph_type": "barabasi_albert"})
        super().__init__(rng)
        self.n_nodes, self.graph_type, self.affinity = n_nodes, graph_type, affinity

    def _program(self, source: Source) -> Program:
        return independent_set("independent_set", source, self.n_nodes, self.affinity)


class FileGenerator(_Generator):
    """The problem files of a folder, in random order.

    Parameters
    ----------
    directory
        The folder.
    recursive
        Look into folders in it too.
    sampling_mode
        ``"replace"``: any file at any time; ``"remove"``: every file once; ``"remove_and_repeat"``:
        every file once, over and over.
    rng
        Draws the order.
    """

    def __init__(
        self,
        directory: str | Path = "instances",
        recursive: bool = True,
        sampling_mode: str = "remove_and_repeat",
        rng: RandomGenerator | None = None,
    ) -> None:
        super().__init__(rng)
        if sampling_mode not in ("replace", "remove", "remove_and_repeat"):
            raise Exception(
                f"sampling_mode is one of replace, remove, remove_and_repeat, not {sampling_mode!r}"
            )
        found = Path(directory).rglob("*") if recursive else Path(directory).glob("*")
        self._files = sorted(path for path in found if is_problem(path))
        if not self._files:
            raise Exception(f"there is no problem file in {directory}")
        self._mode = sampling_mode
        self._left = list(self._files)

    def __next__(self) -> Model:
        if not self._left:
            if self._mode == "remove":
                raise IteratorExhausted("every file has been drawn")
            self._left = list(self._files)
        place = self._rng() % len(self._left)
        path = self._left[place] if self._mode == "replace" else self._left.pop(place)
        return Model.from_file(path)
