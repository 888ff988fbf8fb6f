"""Golden vectors: the expected value of every stage, and how a result is held against them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError
from .manifest import Tolerance

Arrays = dict[str, NDArray[Any]]

# Keys of an expected-values file: "<stage>.<name>". A features file has the modality as key.
EMBEDDING = "embedding"
OUTPUT = "output"
STREAM = "stream"


class Deviation(msgspec.Struct, frozen=True, kw_only=True):
    """How far a result is from its golden value.

    ``max_abs`` is the largest absolute error, ``snr_db`` the ratio of the golden value's
    energy to the error's (infinite where they are equal), ``ok`` whether that is tolerable.
    ``probability`` is the largest error of a probability, where that was asked (see
    :mod:`.golden_output`).
    """

    stage: str
    max_abs: float
    snr_db: float
    ok: bool
    probability: float | None = None


def compare(
    stage: str, got: NDArray[Any], expected: NDArray[Any], tolerance: Tolerance
) -> Deviation:
    """Hold ``got`` against ``expected``; another shape or a NaN is an infinite error."""
    if got.shape != expected.shape or not np.isfinite(got).all():
        return Deviation(stage=stage, max_abs=float("inf"), snr_db=float("-inf"), ok=False)
    error = got.astype(np.float64) - expected.astype(np.float64)
    max_abs = float(np.abs(error).max(initial=0.0))
    noise, signal = float((error**2).sum()), float((expected.astype(np.float64) ** 2).sum())
    if noise == 0.0:
        snr = float("inf")
    else:
        snr = 10.0 * float(np.log10(signal / noise)) if signal else float("-inf")
    ok = max_abs <= tolerance.max_abs or snr >= tolerance.min_snr_db
    return Deviation(stage=stage, max_abs=max_abs, snr_db=snr, ok=ok)


def encode_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as the bytes of an ``.npz`` file, the same bytes for the same arrays."""
    buffer = io.BytesIO()
    # numpy dates the members 1980, so the bytes do not depend on the clock.
    np.savez_compressed(buffer, **{name: arrays[name] for name in sorted(arrays)})  # type: ignore[arg-type]
    return buffer.getvalue()


def decode_arrays(content: bytes, where: str) -> Arrays:
    """Arrays from the bytes of an ``.npz`` file; never unpickles.

    Raises:
        BundleError: the content is not such a file.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # numpy raises what zip and its own format raise
        raise BundleError(f"The golden values in {where} are damaged: {error}.") from error
