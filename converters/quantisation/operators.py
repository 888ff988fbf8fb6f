"""Which ONNX operators can be int8, and how their weights are stored."""

from __future__ import annotations

from collections.abc import Mapping

#: For each operator, its inputs that are weights, and the axes whose indices have a scale each.
Slots = Mapping[str, Mapping[int, tuple[int, ...]]]

#: Operators with weights or products; element-wise ones in between stay in int8 by themselves.
QUANTISED = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Gather", "Add", "Concat")
#: Those that compute in floating point on stored weights: a scale for a row of a gate, in each
#: direction.
STORED: Slots = {"GRU": {1: (0, 1), 2: (0, 1)}, "LSTM": {1: (0, 1), 2: (0, 1)}}
#: Those whose int8 kernels want quantised activations, where the activations stay float. A row of
#: an embedding is looked up whole, so each has its own scale.
CONSTANT: Slots = {"Conv": {1: (0,)}, "ConvTranspose": {1: (1,)}, "Gather": {0: (0,)}}
