"""Examples and padded batches: what the training loop eats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edge_sdk.errors import DataError

# the label of a head about which an example says nothing
IGNORE = -100
# modalities whose first axis is time: padded at the end and given lengths
SEQUENCES = frozenset({"audio", "text", "video"})


@dataclass(frozen=True)
class Example:
    """One observation after the front-ends, without a batch axis.

    ``inputs``: audio float32 ``[T, bands]``, image float32 ``[3, H, W]``, text int64 ``[L]``,
    video float32 ``[T, 3, H, W]``; a modality may be absent. ``labels``: head -> class index;
    a head may be absent.
    """

    inputs: Mapping[str, NDArray[np.generic]]
    labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """``N`` examples, padded.

    ``inputs``: as in :class:`Example` with a leading ``N``, zeros where missing; ``lengths``:
    int64 ``[N]`` for each sequence modality; ``mask``: float32 ``[N, M]``, 1 = present, in the
    order of ``modalities``; ``labels``: int64 ``[N]`` a head, -100 where unknown.
    """

    modalities: tuple[str, ...]
    inputs: Mapping[str, Tensor]
    lengths: Mapping[str, Tensor]
    mask: Tensor
    labels: Mapping[str, Tensor]

    def __len__(self) -> int:
        return self.mask.shape[0]

    def without(self, *hidden: str) -> Batch:
        """The same batch with the modalities ``hidden`` marked as missing."""
        keep = [0.0 if name in hidden else 1.0 for name in self.modalities]
        return Batch(
            self.modalities,
            self.inputs,
            self.lengths,
            self.mask * torch.tensor(keep),
            self.labels,
        )


def collate(
    examples: Sequence[Example], modalities: tuple[str, ...], heads: Sequence[str]
) -> Batch:
    """Pad ``examples`` into one batch.

    Raises:
        DataError: there is no example, or a sequence of length zero.
    """
    if not examples:
        raise DataError("A batch needs at least one example.")
    mask = torch.zeros(len(examples), len(modalities))
    inputs: dict[str, Tensor] = {}
    lengths: dict[str, Tensor] = {}
    for column, name in enumerate(modalities):
        arrays = [example.inputs.get(name) for example in examples]
        present = [a for a in arrays if a is not None]
        if not present:
            continue
        for row, array in enumerate(arrays):
            mask[row, column] = 0.0 if array is None else 1.0
        if name in SEQUENCES:
            inputs[name], lengths[name] = _pad(name, arrays, present)
        else:
            zeros = np.zeros_like(present[0])
            inputs[name] = torch.from_numpy(
                np.stack([zeros if array is None else array for array in arrays])
            )
    labels = {
        head: torch.tensor([example.labels.get(head, IGNORE) for example in examples])
        for head in heads
    }
    return Batch(modalities, inputs, lengths, mask, labels)


def _pad(
    name: str,
    arrays: Sequence[NDArray[np.generic] | None],
    present: Sequence[NDArray[np.generic]],
) -> tuple[Tensor, Tensor]:
    if min(len(array) for array in present) == 0:
        raise DataError(f"An example has {name} of length zero; leave the modality out instead.")
    longest = max(len(array) for array in present)
    out = np.zeros((len(arrays), longest, *present[0].shape[1:]), present[0].dtype)
    # a missing sequence counts one step of zeros, so that no length is ever zero
    lengths = np.ones(len(arrays), np.int64)
    for row, array in enumerate(arrays):
        if array is not None:
            out[row, : len(array)] = array
            lengths[row] = len(array)
    return torch.from_numpy(out), torch.from_numpy(lengths)
