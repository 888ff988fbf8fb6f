"""How devices write samples, and how they become float32."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

SampleFormat = Literal["int16", "int24", "int32", "float32"]
SAMPLE_FORMATS: tuple[SampleFormat, ...] = get_args(SampleFormat)
#: Bytes of one sample.
SAMPLE_BYTES: dict[SampleFormat, int] = {"int16": 2, "int24": 3, "int32": 4, "float32": 4}


def decode_samples(raw: NDArray[np.uint8], form: SampleFormat) -> NDArray[np.float32]:
    """Little-endian samples, uint8 ``[n, channels * bytes]``, as float32 ``[n, channels]``.

    Integers are divided by their full scale; floats are cut to [-1, 1], and what is no number
    becomes silence.
    """
    flat = np.ascontiguousarray(raw).reshape(-1)
    samples: NDArray[np.float32]
    if form == "int16":
        samples = flat.view("<i2").astype(np.float32) * np.float32(2.0**-15)
    elif form == "int24":
        wide = np.zeros((flat.size // 3, 4), np.uint8)
        wide[:, 1:] = flat.reshape(-1, 3)
        samples = wide.reshape(-1).view("<i4").astype(np.float32) * np.float32(2.0**-31)
    elif form == "int32":
        samples = flat.view("<i4").astype(np.float32) * np.float32(2.0**-31)
    else:
        samples = np.clip(np.nan_to_num(flat.view("<f4"), nan=0.0), -1.0, 1.0).astype(np.float32)
    return samples.reshape(len(raw), raw.shape[1] // SAMPLE_BYTES[form])
