"""An input of a TFLite graph: what is given goes into the interpreter's own memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle.fixed_length import FixedLength, length_of
from edge_sdk.errors import InputError


class LiteRtInput:
    """One input as the caller sees it; a padded one brings its length along.

    Args:
        interpreter: the interpreter, its tensors allocated.
        details: of the graph's own inputs, by name.
        name: of this one.
        fixed: how it is padded; None: it is not.
    """

    def __init__(
        self, interpreter: Any, details: dict[str, Any], name: str, fixed: FixedLength | None
    ) -> None:
        self._name = name
        self._dtype = np.dtype(details[name]["dtype"])
        self._place = interpreter.tensor(details[name]["index"])
        self._shape = tuple(int(size) for size in details[name]["shape"])
        self._fixed = fixed
        if fixed is not None:
            self._before = (slice(None),) * fixed.axis
            self._length = interpreter.tensor(details[fixed.length]["index"])
            # What lies behind it: nobody has made it zero yet.
            self._filled = fixed.size

    def write(self, value: NDArray[Any]) -> None:
        """Into the interpreter, without a padded copy on the way.

        Raises:
            InputError: it is longer than the graph, of another shape, or has values that do not fit
                the graph's dtype.
        """
        if value.dtype != self._dtype:
            value = self._narrowed(value)
        fixed = self._fixed
        # A view must not outlive this call: the interpreter refuses to run beside one.
        if fixed is None:
            self._check(value.shape)
            self._place()[...] = value
            return
        length, axis = length_of(value, fixed), fixed.axis
        self._check((*value.shape[:axis], fixed.size, *value.shape[axis + 1 :]))
        here = (*self._before, slice(length))
        self._place()[here] = value
        # A run leaves its inputs as they are: what was zero behind the last one still is.
        if length < self._filled:
            behind = (*self._before, slice(length, self._filled))
            self._place()[behind] = 0
        self._filled = length
        self._length()[0] = length

    def _check(self, shape: tuple[int, ...]) -> None:
        # Where they differ, numpy would repeat what was given.
        if shape != self._shape:
            raise InputError(
                f"The input {self._name} has the shape {list(shape)} in this graph's length; the "
                f"graph takes {list(self._shape)}."
            )

    def _narrowed(self, value: NDArray[Any]) -> NDArray[Any]:
        """``value`` in the graph's own dtype: TFLite's lookups take int32 where callers have int64.

        Raises:
            InputError: a value does not fit.
        """
        out = value.astype(self._dtype)
        if (out != value).any():
            raise InputError(
                f"The input {self._name} has values that do not fit {self._dtype.name}."
            )
        return out
