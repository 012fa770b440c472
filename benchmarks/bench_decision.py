"""What a decision of the native rule costs, beside the torch network it replaces.

Solves official item-placement validation instances with an untrained network of the given size
(the cost does not depend on the weights), and reports medians per decision, the share of the
solving time spent in the rule, and the memory that the rule adds; then scores the recorded nodes
with the same network in eager PyTorch Geometric, in the form of the published code (a small
network per edge), single-threaded, in the same run::

    python benchmarks/bench_decision.py
    python benchmarks/bench_decision.py --embedding-size 32 --candidates unfixed --instances 3
    python benchmarks/bench_decision.py --statistics
"""

import argparse
import dataclasses
import multiprocessing
import resource
import statistics
import time

import numpy as np
from numpy.typing import NDArray
from pyscipopt import SCIP_PARAMSETTING, Model

from kida import _core
from kida.instances.registry import instances
from kida.network.architecture import Architecture
from kida.network.card import Card
from kida.network.policy import Policy
from kida.observation import Observation
from kida.solver.branching import attach, attach_callable, observe_candidates
from kida.solver.problem import open_model

Node = tuple[Observation, NDArray[np.int32], NDArray[np.float32]]


def untrained_policy(size: int, candidates: str, statistics: bool) -> Policy:
    import torch

    from kida.network.gnn import Network

    torch.manual_seed(0)
    architecture = Architecture(size, statistics)
    network = Network(architecture)
    return Policy(network.weights(), Card(architecture, candidates=candidates))  # type: ignore[arg-type]


def model_of(index: int, seconds: float) -> Model:
    (instance,) = instances("item_placement", split="valid", start=index, count=1)
    model: Model = open_model(instance)
    model.hideOutput()
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("limits/time", seconds)
    return model


def time_rule(policy: Policy, index: int, seconds: float) -> tuple[NDArray[np.float32], float]:
    """Milliseconds per decision (observing, scoring, whole rule) and the rule's share of time."""
    model = model_of(index, seconds)
    brancher = attach(model, policy, trace=True)
    model.optimize()
    share = brancher.statistics.seconds_total / model.getSolvingTime()
    model.free()
    return brancher.trace() * 1e3, share


def record(policy: Policy, index: int, count: int) -> list[Node]:
    nodes: list[Node] = []

    def branch(observation: Observation, candidates: NDArray[np.int32]) -> int:
        nodes.append((observation, candidates, observe_candidates(model, candidates)))
        return 0

    model = model_of(index, 60)
    model.setParam("limits/nodes", count)
    attach_callable(model, branch, candidates=policy.card.candidates)
    model.optimize()
    model.free()
    return nodes


def time_networks(policy: Policy, index: int, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds per node of the native forward pass and of torch's, on the same nodes."""
    import torch

    from kida.network.gnn import Graphs, Network

    torch.set_num_threads(1)
    oracle = Network(policy.card.shape).eval()
    oracle.load_weights(policy.weights)
    native = policy.native()
    ours, theirs = [], []
    for observation, candidates, known in record(policy, index, count):
        begin = time.perf_counter()
        native.score(
            observation.row_features,
            observation.variable_features,
            observation.row_starts,
            observation.edge_columns,
            observation.edge_values,
            candidates,
            known,
        )
        ours.append((time.perf_counter() - begin) * 1e3)
        graphs = Graphs(
            torch.from_numpy(observation.row_features),
            torch.from_numpy(observation.variable_features),
            torch.from_numpy(observation.edge_indices),
            torch.from_numpy(observation.edge_values[:, None]),
        )
        if native.candidate_features:
            graphs = dataclasses.replace(
                graphs,
                candidates=torch.from_numpy(candidates).long(),
                candidate_features=torch.from_numpy(known),
            )
        with torch.inference_mode():
            begin = time.perf_counter()
            oracle(graphs, per_edge=True)
            theirs.append((time.perf_counter() - begin) * 1e3)
    return ours, theirs


def peak_memory(arguments: tuple[Policy | None, int, int]) -> float:
    """Peak resident megabytes of a fresh process that solves with the rule, or without."""
    policy, index, nodes = arguments
    model = model_of(index, 600)
    model.setParam("limits/nodes", nodes)
    if policy is not None:
        attach(model, policy)
    else:  # the same tree size, by SCIP's cheapest rule that explores as many nodes
        model.setParam("branching/mostinf/priority", 1_000_000)
    model.optimize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--embedding-size", type=int, default=64)
    parser.add_argument("--candidates", choices=("fractional", "unfixed"), default="fractional")
    parser.add_argument("--statistics", action="store_true", help="read the candidates' features")
    parser.add_argument("--instances", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="per solve")
    options = parser.parse_args()

    policy = untrained_policy(options.embedding_size, options.candidates, options.statistics)
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        memory = pool.map(peak_memory, [(None, 0, 3000), (policy, 0, 3000)], chunksize=1)
    print(
        f"embedding {options.embedding_size}, {options.candidates} candidates"
        f"{' with statistics' if options.statistics else ''}, "
        f"{_core.instruction_set()}, {options.instances} instances x {options.seconds:g} s"
    )
    for index in range(options.instances):
        trace, share = time_rule(policy, index, options.seconds)
        observing, scoring, whole = np.median(trace, axis=0)
        ours, theirs = time_networks(policy, index, 60)
        ratio = statistics.median(t / o for t, o in zip(theirs, ours, strict=True))
        print(
            f"instance {9900 + index}: {len(trace)} decisions; median ms: observe {observing:.3f}, "
            f"score {scoring:.3f}, rule {whole:.3f} = {whole / (observing + scoring):.2f} x their "
            f"sum; {100 * share:.1f} % of the solving time; torch {statistics.median(theirs):.1f} "
            f"ms = {ratio:.0f} x the native forward pass"
        )
    print(
        f"peak memory, 3000 nodes: {memory[0]:.0f} MB without the rule, {memory[1]:.0f} MB with "
        f"it: {memory[1] - memory[0]:+.0f} MB"
    )


if __name__ == "__main__":
    main()
