"""Observations of a branch-and-bound node, native: functions as in :mod:`kida.env.functions`.

To add one, write a file here and name it below.
"""

from kida.env.observation.focus_node import FocusNode, NodeObservation
from kida.env.observation.graph import CandidateObservation, CandidateStatistics, NodeBipartite
from kida.env.observation.khalil import Khalil2016, KhalilFeature
from kida.env.observation.scores import Pseudocosts, ScoreObservation, StrongBranchingScores
from kida.env.observation.static_graph import ProblemGraph, ProblemVariableFeature, StaticGraph
from kida.env.observation.tree_gate import (
    TreeGate,
    TreeGateCandidateFeature,
    TreeGateObservation,
    TreeGateTreeFeature,
)

__all__ = [
    "CandidateObservation",
    "CandidateStatistics",
    "FocusNode",
    "Khalil2016",
    "KhalilFeature",
    "NodeBipartite",
    "NodeObservation",
    "ProblemGraph",
    "ProblemVariableFeature",
    "Pseudocosts",
    "ScoreObservation",
    "StaticGraph",
    "StrongBranchingScores",
    "TreeGate",
    "TreeGateCandidateFeature",
    "TreeGateObservation",
    "TreeGateTreeFeature",
]
