"""How a part is quantised, as plain data: it goes into recipes, cache keys and reports."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..pruning.plan import Recovery

#: ``static`` computes in int8 with ranges from calibration ("fixed"); ``dynamic`` keeps int8
#: weights and scales each input when it comes ("adaptive"), where an engine has kernels for it.
Scheme = Literal["static", "dynamic"]


class QuantisationPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every decision about the int8 form of a part that is not the target's.

    How int8 is laid out (7 or 8 bits, a scale a channel) is the target's: see
    :class:`edge_sdk.targets.Int8Scheme`.

    The defaults are what changed the fewest labels of the demo model over three halves of its
    calibration set (see docs/quantisation.md).

    Attributes:
        scheme: ``static`` or ``dynamic``.
        calibrator: what takes the range of an activation from the samples; a name of the
            entry-point group ``edge_sdk.calibrators``.
        parameters: its parameters by name, such as ``percentile``; the others keep their default.
        equalise: scale the channels of a layer against those of the next one, so that one
            range fits all of them (cross-layer equalisation); kept where a share of the samples
            that is held out for it says that it helps. ONNX Runtime only.
        correct_bias: take the mean error of each layer's output out of its bias; kept where it
            helps, in the same way. ONNX Runtime only.
        recurrent_weights: store the weights of GRU and LSTM layers, which have no int8 kernels,
            as int8 too; they compute in floating point.
        keep: the layers that stay float, by the names that ``edge-sdk sensitivity`` gives.
        finetune: train the model with the rounding of int8 in its forward pass before it is
            exported, in these bounds (quantisation-aware fine-tuning); None leaves it as it is.
            See :func:`.finetune.finetune_quantised`.
    """

    scheme: Scheme = "static"
    calibrator: str = "percentile"
    parameters: dict[str, float] = {}
    equalise: bool = False
    correct_bias: bool = False
    recurrent_weights: bool = True
    keep: tuple[str, ...] = ()
    finetune: Recovery | None = None

    @property
    def ranges_key(self) -> str:
        """Text that names what the calibrated ranges depend on, for the cache."""
        parameters = sorted(self.parameters.items())
        return f"{self.calibrator} {parameters}"
