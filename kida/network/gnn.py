"""The network in torch: what is trained, and the oracle that the native core is tested against.

The network is KIDA's (Cao et al. 2022, arXiv:2201.10328, section 4; after Gasse et al. 2019,
arXiv:1906.01629): rows and variables of a node's LP exchange one message each way, and every
variable gets a score. Module names are those of the published release, so that its checkpoints
load unchanged; ``architecture.shapes`` lists them. To change the network, change it here, in
``architecture.shapes`` and in ``cpp/network``, and add a field to ``architecture.Architecture``.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

from kida.network.architecture import Architecture, Weights
from kida.observation import INCUMBENT_FEATURES, RowFeature


@dataclass(frozen=True, eq=False)
class Graphs:
    """A batch of observations as one bipartite graph with one component per observation.

    Attributes
    ----------
    rows
        Shape ``(m, 5)``, float32.
    variables
        Shape ``(n, 19)``, float32: all columns, whichever the network reads.
    edge_indices
        Shape ``(2, e)``, int64: row and variable of each edge.
    edge_values
        Shape ``(e, 1)``, float32.
    candidates
        Shape ``(k,)``, int64: the variables to score, one observation after another; ``None``
        scores all.
    candidate_features
        Shape ``(k, 9)``, float32: what the solver has learned of each candidate; networks that do
        not read them do without.
    """

    rows: Tensor
    variables: Tensor
    edge_indices: Tensor
    edge_values: Tensor
    candidates: Tensor | None = None
    candidate_features: Tensor | None = None


class PreNorm(nn.Module):
    """An affine normalisation ``(x + shift) * scale`` whose statistics are fixed before training.

    Parameters
    ----------
    width
        1 for one statistic over all entries, else the number of features.
    shift
        Whether the mean is removed too.

    Shapes
    ------
    - **input:** ``(*, features)``
    - **output:** ``(*, features)``
    """

    def __init__(self, width: int, *, shift: bool) -> None:
        super().__init__()
        self.shift: Tensor | None
        self.scale: Tensor
        self.register_buffer("shift", torch.zeros(width) if shift else None)
        self.register_buffer("scale", torch.ones(width))

    def forward(self, values: Tensor) -> Tensor:
        """Return the normalised values."""
        if self.shift is not None:
            values = values + self.shift
        return values * self.scale

    def fit(self, moments: "_Moments") -> None:
        """Set the statistics; features that do not vary keep scale 1."""
        mean = moments.total / moments.count
        variance = (moments.squares / moments.count - mean.square()).clamp_min(0)
        # Rounding leaves a constant feature a variance of about 1e-16 of its square.
        varies = variance > 1e-12 * mean.square().clamp_min(1e-12)
        self.scale.copy_(torch.where(varies, variance, torch.ones_like(variance)).rsqrt())
        if self.shift is not None:
            self.shift.copy_(-mean)


class _ReachedError(Exception):
    """Ends a forward pass at the layer that is fitted."""


class _Moments:
    """Running sums of what reaches a layer: a forward pre-hook, which ends the pass there."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self.total = torch.zeros(width, dtype=torch.float64)
        self.squares = torch.zeros(width, dtype=torch.float64)

    def __call__(self, layer: nn.Module, inputs: tuple[Tensor]) -> None:
        values = inputs[0].reshape(-1, len(self.total)).double().cpu()
        self.count += len(values)
        self.total += values.sum(0)
        self.squares += values.square().sum(0)
        raise _ReachedError


def _pieces(
    left: Tensor, right: Tensor, weight: Tensor, edges: Tensor, edge_indices: Tensor
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Yield senders, receivers, edge values and messages, some thousands of edges at a time."""
    # 2 MB of messages stay in a processor's cache; a GPU takes all edges at once.
    step = len(edges) if left.is_cuda else max(1, (1 << 19) // left.shape[1])
    for start in range(0, len(edges), max(step, 1)):
        senders, receivers = edge_indices[:, start : start + step]
        values = edges[start : start + step]
        messages = left.index_select(0, receivers)
        messages.add_(right.index_select(0, senders)).addmm_(values, weight).relu_()
        yield senders, receivers, values, messages


class _SumOfRectified(torch.autograd.Function):
    """``sum_j relu(left_i + right_j + e_ij w)`` for every receiver ``i``, edges never all at once.

    The backward pass computes the messages again instead of keeping them: on a CPU both passes are
    bound by memory traffic, and the ``(e, d)`` tensors of the plain form are most of it.
    """

    @staticmethod
    def forward(
        ctx: Any, left: Tensor, right: Tensor, weight: Tensor, edges: Tensor, edge_indices: Tensor
    ) -> Tensor:
        ctx.save_for_backward(left, right, weight, edges, edge_indices)
        total = torch.zeros_like(left)
        for _, receivers, _, messages in _pieces(left, right, weight, edges, edge_indices):
            total.index_add_(0, receivers, messages)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        left, right, weight, edges, edge_indices = ctx.saved_tensors
        of_left, of_right = torch.zeros_like(left), torch.zeros_like(right)
        of_weight = torch.zeros_like(weight)
        for senders, receivers, values, messages in _pieces(
            left, right, weight, edges, edge_indices
        ):
            flow = gradients[0].index_select(0, receivers).mul_(messages.sign_())
            of_left.index_add_(0, receivers, flow)
            of_right.index_add_(0, senders, flow)
            # Not addmm_: on an H100, PyTorch 2.11 asks cuBLAS for it in a form that is refused
            # when there is a single row to add to.
            of_weight.add_(values.T @ flow)
        return of_left, of_right, of_weight, None, None


def _sum_of_rectified(
    left: Tensor, right: Tensor, weight: Tensor, edges: Tensor, edge_indices: Tensor
) -> Tensor:
    summed: Tensor = _SumOfRectified.apply(left, right, weight, edges, edge_indices)  # type: ignore[no-untyped-call]
    return summed


class HalfConvolution(MessagePassing):  # type: ignore[misc]
    """One direction of messages: every receiver sums ``W relu(norm(A x_i + B e + C x_j))``.

    The linear map ``W`` (with bias ``b``) is applied after the sum, once per receiver instead of
    once per edge: ``sum_j (W z_ij + b) = W sum_j z_ij + deg_i b``. This is exact and several times
    faster; ``per_edge=True`` computes it the published way, for comparison.

    Shapes
    ------
    - **input:** senders ``(s, d)``, receivers ``(r, d)``, edge indices ``(2, e)`` as (sender,
      receiver), edge features ``(e, 1)``
    - **output:** ``(r, d)``
    """

    def __init__(self, width: int) -> None:
        super().__init__(aggr="sum")
        # "left" is the receiving node and "right" the sending one: the published names.
        self.feature_module_left = nn.Sequential(nn.Linear(width, width))
        self.feature_module_edge = nn.Sequential(nn.Linear(1, width, bias=False))
        self.feature_module_right = nn.Sequential(nn.Linear(width, width, bias=False))
        self.feature_module_final = nn.Sequential(
            PreNorm(1, shift=False), nn.ReLU(), nn.Linear(width, width)
        )
        self.post_conv_module = nn.Sequential(PreNorm(1, shift=False))
        self.output_module = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width)
        )

    def forward(
        self,
        senders: Tensor,
        receivers: Tensor,
        edge_indices: Tensor,
        edges: Tensor,
        *,
        per_edge: bool = False,
    ) -> Tensor:
        """Return the receivers' new features."""
        if per_edge:
            summed = self.propagate(edge_indices, x=(senders, receivers), edges=edges)
        else:
            normalise, _, linear = cast(Any, self.feature_module_final)
            summed = _sum_of_rectified(
                normalise(self.feature_module_left(receivers)),
                normalise(self.feature_module_right(senders)),
                normalise(self.feature_module_edge[0].weight.T),
                edges,
                edge_indices,
            )
            degrees = torch.bincount(edge_indices[1], minlength=len(receivers))
            summed = summed @ linear.weight.T + degrees[:, None] * linear.bias
        joined = torch.cat([self.post_conv_module(summed), receivers], dim=-1)
        new: Tensor = self.output_module(joined)
        return new

    def message(self, x_i: Tensor, x_j: Tensor, edges: Tensor) -> Tensor:
        """Return the message of every edge: the published form, a small network per edge."""
        left, right = self.feature_module_left(x_i), self.feature_module_right(x_j)
        messages: Tensor = self.feature_module_final(left + self.feature_module_edge(edges) + right)
        return messages


class Network(nn.Module):
    """KIDA's branching network: a score for every variable (or candidate) of an observation.

    Shapes
    ------
    - **input:** :class:`Graphs`
    - **output:** ``(k,)`` for ``k`` candidates, or ``(n,)`` without a choice of candidates

    Parameters
    ----------
    architecture
        Its free choices.

    Examples
    --------
    >>> network = Network(Architecture(embedding_size=32))
    >>> network.load_weights(policy.weights)
    >>> scores = network(graphs)
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        size = architecture.embedding_size
        self.columns: Tensor
        columns = torch.tensor(architecture.variable_features)
        self.register_buffer("columns", columns, persistent=False)

        def embedding(features: int) -> nn.Sequential:
            return nn.Sequential(
                PreNorm(features, shift=True),
                nn.Linear(features, size),
                nn.ReLU(),
                nn.Linear(size, size),
                nn.ReLU(),
            )

        self.cons_embedding = embedding(len(RowFeature))
        self.edge_embedding = nn.Sequential(PreNorm(1, shift=True))
        self.var_embedding = embedding(len(architecture.variable_features))
        self.conv_v_to_c = HalfConvolution(size)
        self.conv_c_to_v = HalfConvolution(size)
        self.output_module = nn.Sequential(
            nn.Linear(architecture.readout_size, size), nn.ReLU(), nn.Linear(size, 1, bias=False)
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                # As in Gasse et al. (2019): orthogonal weights, zero biases.
                nn.init.orthogonal_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, graphs: Graphs, *, per_edge: bool = False) -> Tensor:
        """Return the scores.

        Parameters
        ----------
        graphs
            The observations; with candidates, only their part of the second half-convolution and
            of the readout is computed, as in the native core.
        per_edge
            Compute the messages the published way, a small network per edge: the same numbers up
            to rounding, several times slower.

        Raises
        ------
        ValueError
            If the network reads the candidates' features, and there are none.
        """
        rows = self.cons_embedding(graphs.rows)
        variables = self.var_embedding(self._read(graphs.variables))
        edges = self.edge_embedding(graphs.edge_values)
        to_rows = graphs.edge_indices.flip(0)
        rows = self.conv_v_to_c(variables, rows, to_rows, edges, per_edge=per_edge)
        to_variables = graphs.edge_indices
        if graphs.candidates is not None:
            place = torch.full((len(variables),), -1, device=variables.device)
            place[graphs.candidates] = torch.arange(len(graphs.candidates), device=variables.device)
            receivers = place[to_variables[1]]
            kept = torch.nonzero(receivers >= 0)[:, 0]
            to_variables = torch.stack([to_variables[0][kept], receivers[kept]])
            edges, variables = edges[kept], variables[graphs.candidates]
        variables = self.conv_c_to_v(rows, variables, to_variables, edges, per_edge=per_edge)
        if self.architecture.candidate_features:
            if graphs.candidates is None or graphs.candidate_features is None:
                raise ValueError("this network reads the candidates' features; there are none")
            variables = torch.cat([variables, graphs.candidate_features], dim=-1)
        scores: Tensor = self.output_module(variables)[:, 0]
        return scores

    def _read(self, variables: Tensor) -> Tensor:
        """Return the columns that the network reads; what there is no incumbent for is 0."""
        read = variables.index_select(1, self.columns)
        if self.architecture.incumbent_features:
            # There all columns are read, each at its own place.
            incumbent = list(INCUMBENT_FEATURES)
            read[:, incumbent] = read[:, incumbent].nan_to_num(nan=0.0)
        return read

    @torch.no_grad()
    def fit_prenorms(self, batches: list[Graphs]) -> None:
        """Set every prenorm layer's statistics, from input to output, on ``batches``.

        A layer is fitted on what reaches it once all layers before it are fitted, which is why
        the batches pass once for each of the seven layers, and no further than to it.
        """
        for name, layer in self.named_modules():
            if isinstance(layer, PreNorm):
                moments = _Moments(len(layer.scale))
                # Only these see single messages, of which the fast form has none.
                per_edge = "feature_module_final" in name
                with layer.register_forward_pre_hook(moments):
                    for batch in batches:
                        with suppress(_ReachedError):
                            self(batch, per_edge=per_edge)
                layer.fit(moments)

    def load_weights(self, weights: Weights) -> None:
        """Copy ``weights`` (named and shaped as this network's state) into the network."""
        self.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})

    def weights(self) -> Weights:
        """Return a copy of all parameters and prenorm statistics, as float32 arrays."""
        return {
            name: tensor.detach().to("cpu", torch.float32).numpy().copy()
            for name, tensor in self.state_dict().items()
        }
