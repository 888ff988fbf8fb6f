"""The network: two convolutions over 16 embeddings, and what it learns from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import softplus
from tqdm import trange

from .features import WIDTH, WINDOW, windows
from .material import Clip

_HIDDEN, _DENSE, _DROPOUT, _KERNEL = 48, 24, 0.3, 3
_RATE, _DECAY = 3e-3, 1e-2
_CALLS, _OTHERS = 64, 384
# A phrase is known by its best windows: which of those that may hear it do is not told.
_BEST = 3
# Of the windows without the phrase, half are drawn from this share, the likest to it.
_HARD = 0.05
_AT_ONCE = 4096


class PhraseNetwork(nn.Module):
    """Embeddings ``[n, 16, 96]`` to probabilities ``[n, 1]`` that the phrase just ended."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Buffer(torch.zeros(WIDTH))
        self.scale = nn.Buffer(torch.ones(WIDTH))
        self.convolutions = nn.Sequential(
            nn.Conv1d(WIDTH, _HIDDEN, _KERNEL),
            nn.ReLU(),
            nn.Dropout(_DROPOUT),
            nn.Conv1d(_HIDDEN, _HIDDEN, _KERNEL),
            nn.ReLU(),
            nn.Dropout(_DROPOUT),
        )
        left = WINDOW - 2 * (_KERNEL - 1)
        self.dense = nn.Sequential(
            nn.Linear(_HIDDEN * left, _DENSE), nn.ReLU(), nn.Dropout(_DROPOUT), nn.Linear(_DENSE, 1)
        )

    def logits(self, embeddings: Tensor) -> Tensor:
        """Before the sigmoid, ``[n, 1]``."""
        inside = ((embeddings - self.mean) * self.scale).transpose(1, 2)
        found: Tensor = self.dense(self.convolutions(inside).flatten(1))
        return found

    def forward(self, embeddings: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(embeddings))


class _Others:
    """The windows without the phrase, gathered when they are needed: all at once are gigabytes."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        used = [clip.embeddings for clip in clips if len(clip.embeddings) >= WINDOW]
        self._rows = np.concatenate(used)
        ends = np.cumsum([len(e) for e in used])
        self._starts = np.concatenate(
            [np.arange(end - len(e), end - WINDOW + 1) for e, end in zip(used, ends, strict=True)]
        )

    def __len__(self) -> int:
        return len(self._starts)

    def take(self, which: NDArray[np.int64]) -> Tensor:
        at = self._starts[which][:, None] + np.arange(WINDOW)
        return torch.from_numpy(self._rows[at].astype(np.float32))


def fit(clips: Sequence[Clip], *, epochs: int, seed: int, steps: int = 120) -> PhraseNetwork:
    """A network for the phrase of ``clips``: those in which it is said, and the others.

    ``steps``: batches an epoch.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    said = [windows(c.embeddings)[c.phrase] for c in clips if c.phrase is not None]
    calls = [call for call in said if len(call)]
    others = _Others([clip for clip in clips if clip.phrase is None])
    network = PhraseNetwork()
    rows = np.concatenate(calls).reshape(-1, WIDTH)
    network.mean.copy_(torch.from_numpy(rows.mean(axis=0)))
    network.scale.copy_(torch.from_numpy(1 / (rows.std(axis=0) + 1e-3)))
    optimiser = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=epochs * steps)
    for _ in trange(epochs, desc="epochs", leave=False, disable=None):
        hard = _hardest(network, others)
        network.train()
        for _ in range(steps):
            drawn = np.concatenate(
                [rng.integers(0, len(others), _OTHERS // 2), rng.choice(hard, _OTHERS // 2)]
            )
            heard = _best(network, [calls[i] for i in rng.integers(0, len(calls), _CALLS)])
            loss = softplus(-heard).mean() + 2 * softplus(network.logits(others.take(drawn))).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval()


def _best(network: PhraseNetwork, calls: Sequence[NDArray[np.float32]]) -> Tensor:
    """The best logits of each call ``[calls, 3]``."""
    longest = max(_BEST, *(len(call) for call in calls))
    held = np.zeros((len(calls), longest, WINDOW, WIDTH), np.float32)
    absent = torch.ones(len(calls), longest, dtype=torch.bool)
    for number, call in enumerate(calls):
        held[number, : len(call)] = call
        absent[number, : len(call)] = False
    logits = network.logits(torch.from_numpy(held.reshape(-1, WINDOW, WIDTH)))
    masked = logits.view(len(calls), longest).masked_fill(absent, -torch.inf)
    best = masked.topk(_BEST, dim=1).values
    # what a call of fewer windows lacks costs nothing
    return torch.where(best.isfinite(), best, 30.0)


def _hardest(network: PhraseNetwork, others: _Others) -> NDArray[np.int64]:
    network.eval()
    every = np.arange(len(others))
    with torch.no_grad():
        found = [
            network.logits(others.take(every[start : start + _AT_ONCE]))[:, 0].numpy()
            for start in range(0, len(every), _AT_ONCE)
        ]
    likest: NDArray[np.int64] = np.argsort(-np.concatenate(found))
    return likest[: max(_OTHERS, round(_HARD * len(likest)))]


def score(network: PhraseNetwork, clip: Clip) -> float:
    """The highest probability in a clip; 0 where it is too short."""
    seen = windows(clip.embeddings)
    if not len(seen):
        return 0.0
    with torch.no_grad():
        return float(network(torch.from_numpy(seen)).max())
