"""Training in several processes that averaged gradients keep equal, each with its own batches.

On a CPU one thread a process beats several threads in one process: the small layers of an edge
model leave threads waiting for each other most of the time. The exchange goes through shared
memory; nothing listens on a network.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.context import ForkContext, ForkProcess
from typing import TypeVar

import torch
from torch import Tensor, nn

from edge_sdk.errors import DeviceError

T = TypeVar("T")
# A replica that waits this long for another one has lost it (seconds).
_PATIENCE = 600.0


class Replicas:
    """One process's place among ``count`` equal ones; ``rank`` 0 is the one whose result counts."""

    def __init__(self, count: int, size: int, context: ForkContext) -> None:
        self.count = count
        self.rank = 0
        self._shared = torch.zeros(count, size + 1)
        self._shared.share_memory_()  # type: ignore[no-untyped-call]
        self._barrier = context.Barrier(count)

    def average_gradients(self, model: nn.Module, clock: float) -> float:
        """Replace each gradient by the mean over the replicas; the mean of their clocks."""
        tensors = []
        for parameter in model.parameters():
            if parameter.grad is None:
                # no row of this batch reached it; another replica's may have
                parameter.grad = torch.zeros_like(parameter)
            tensors.append(parameter.grad)
        return self._average(tensors, clock)

    def average_state(self, model: nn.Module) -> None:
        """Replace the floating-point state (batch norms saw other batches) by the mean."""
        self._average([t for t in model.state_dict().values() if t.is_floating_point()], 0.0)

    @torch.no_grad()
    def _average(self, tensors: list[Tensor], clock: float) -> float:
        own = self._shared[self.rank]
        place = 0
        for tensor in tensors:
            own[place : place + tensor.numel()].view(tensor.shape).copy_(tensor)
            place += tensor.numel()
        own[place] = clock
        self._meet()
        # every replica sums in the same order, so that all get the same bits
        mean = self._shared[:, : place + 1].mean(dim=0)
        self._meet()
        place = 0
        for tensor in tensors:
            tensor.copy_(mean[place : place + tensor.numel()].view(tensor.shape))
            place += tensor.numel()
        return float(mean[place])

    def _meet(self) -> None:
        try:
            self._barrier.wait(_PATIENCE)
        except Exception as error:
            raise DeviceError(
                "Another process of this training run ended; look at its message above."
            ) from error

    def abandon(self) -> None:
        """Wake the others with an error: this replica cannot go on."""
        self._barrier.abort()


def run_replicas(count: int, model: nn.Module, work: Callable[[Replicas], T]) -> T:
    """Run ``work`` in ``count`` processes, this one among them, and return this one's result.

    The others are forked copies of this process: ``model`` and everything else ``work`` holds
    is theirs too. No torch computation with several threads, and no backward pass, may have run
    in this process before.

    Raises:
        DeviceError: another replica ended early.
    """
    context = multiprocessing.get_context("fork")
    size = sum(t.numel() for t in model.state_dict().values())
    replicas = Replicas(count, size, context)
    others = [
        context.Process(target=_follow, args=(rank, replicas, work), daemon=True)
        for rank in range(1, count)
    ]
    torch.set_num_threads(1)
    for other in others:
        other.start()
    # a replica that is killed cannot say so itself, and the others would wait for it
    threading.Thread(target=_watch, args=(replicas, others), daemon=True).start()
    try:
        return work(replicas)
    except BaseException:
        replicas.abandon()
        raise
    finally:
        for other in others:
            other.join(_PATIENCE)
            if other.is_alive():
                other.terminate()


def _watch(replicas: Replicas, others: list[ForkProcess]) -> None:
    left = list(others)
    while left:
        connection.wait([other.sentinel for other in left])
        # Asked once: a process that ends between two questions would be lost from sight.
        codes = [(other, other.exitcode) for other in left]
        if any(code for _, code in codes):
            replicas.abandon()
        left = [other for other, code in codes if code is None]


def _follow(rank: int, replicas: Replicas, work: Callable[[Replicas], object]) -> None:
    replicas.rank = rank
    try:
        work(replicas)
    except BaseException:
        replicas.abandon()
        raise
