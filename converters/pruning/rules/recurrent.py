"""GRU, LSTM and plain recurrent layers: a hidden unit is one row of every gate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from ..trace import Call, Rule, Trace, Work, give_up
from ..units import Labels
from .layers import consume
from .reductions import spread

_GATES = {"gru": 3, "lstm": 4, "rnn_tanh": 1, "rnn_relu": 1}
_OWN = "its first state is given from outside"


def recur(trace: Trace, call: Call) -> None:
    """All layers and directions of one module have one hidden size, so they stand together."""
    if len(call.args) != 9:
        give_up(trace, call)
        return
    source, first, weights, biases, layers, _, _, both, _ = call.args
    states = list(first) if isinstance(first, (tuple, list)) else [first]
    if not all(trace.weight(w) for w in weights) or not isinstance(layers, int):
        # Packed sequences come in another order of arguments.
        give_up(trace, call)
        return
    directions = 2 if both else 1
    sets = 4 if biases else 2
    gates = _GATES[call.name]
    if len(weights) != sets * layers * directions:
        # Projections (proj_size) have one more weight each.
        give_up(trace, call)
        return
    hidden = weights[1].shape[1]
    units = trace.axis(weights[1], 1)
    steps = source.numel() // source.shape[-1]
    incoming = trace.channels(trace.labels(source), -1, "its channels are on another axis")
    for layer in range(layers):
        for direction in range(directions):
            at = sets * (layer * directions + direction)
            _cell(trace, weights[at : at + sets], incoming, units, gates)
            for weight in weights[at : at + 2]:
                trace.work.append(Work(id(weight), steps))
        incoming = np.tile(units, directions)
    if hidden == 1:
        return
    for state in states:
        _given(trace, state, units)
    out, *last = call.result
    trace.label(out, spread(np.tile(units, directions), tuple(out.shape), out.ndim - 1))
    for tensor in last:
        trace.label(tensor, spread(units, tuple(tensor.shape), tensor.ndim - 1))


def cell(trace: Trace, call: Call) -> None:
    """One step of a recurrent layer, written as a loop by the user."""
    source, states, *weights = call.args
    gates = _GATES[call.name.removesuffix("_cell")]
    if not all(trace.weight(w) for w in weights if w is not None) or len(weights) < 2:
        give_up(trace, call)
        return
    units = trace.axis(weights[1], 1)
    incoming = trace.channels(trace.labels(source), -1, "its channels are on another axis")
    _cell(trace, [w for w in weights if w is not None], incoming, units, gates)
    for weight in weights[:2]:
        trace.work.append(Work(id(weight), source.numel() // source.shape[-1]))
    if len(units) == 1:
        return
    for state in states if isinstance(states, (tuple, list)) else (states,):
        _given(trace, state, units)
    for tensor in call.result if isinstance(call.result, tuple) else (call.result,):
        trace.label(tensor, spread(units, tuple(tensor.shape), tensor.ndim - 1))


def _cell(
    trace: Trace, weights: Sequence[Tensor], incoming: Labels, units: Labels, gates: int
) -> None:
    first, again, *biases = weights
    consume(trace, incoming, trace.axis(first, 1))
    trace.units.join(trace.axis(again, 1), units, "")
    rows = np.tile(units, gates)
    for weight in (first, again, *biases):
        trace.units.join(trace.axis(weight, 0, produces=True), rows, "")


def _given(trace: Trace, state: Tensor, units: Labels) -> None:
    """A first state with labels goes along; zeros made from ``hidden_size`` need nothing."""
    if trace.known(state) or trace.weight(state):
        labels = trace.labels(state)
        wanted = np.broadcast_to(units, labels.shape)
        trace.units.join(labels, wanted, _OWN)


RULES: dict[str, Rule] = {
    **dict.fromkeys(_GATES, recur),
    **dict.fromkeys(("gru_cell", "lstm_cell", "rnn_tanh_cell", "rnn_relu_cell"), cell),
}
