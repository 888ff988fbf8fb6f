"""Recovery of any model: its parts on real samples, with the unpruned model as teacher."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from math import isfinite

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from edge_sdk.bundle.manifest import Head
from edge_sdk.errors import DataError

from ..fusion.averaging import copy_state
from ..fusion.schedule import learning_rate
from .answers import Seen, loss_of, read
from .data import RecoveryData
from .model import Parts
from .report import Epoch, RecoveryReport
from .statistics import estimate


def distil(pruned: Parts, teacher: Parts, data: RecoveryData) -> RecoveryReport:
    """Train ``pruned`` in place; batch norms keep the statistics they are given first.

    One sample goes through at a time, as on the device: a model of the user's may know nothing
    of batches or padding. The gradients of ``batch`` samples make one step.
    """
    plan = data.recovery
    torch.manual_seed(data.seed)
    training = read(pruned, data.samples, data.progress, "read training")
    watching = read(pruned, data.validation, data.progress, "read validation")
    if not training or not watching:
        raise DataError("There are no samples to recover on that have what the model takes.")
    raw, raw_score = copy_state(pruned.holder), _score(pruned, teacher, watching)
    estimate(pruned, training)
    weights = [w for w in pruned.holder.parameters() if w.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=plan.rate, weight_decay=0.0)
    steps = -(-len(training) // plan.batch)
    total, begun = plan.epochs * steps, time.thread_time()
    epochs: list[Epoch] = []
    best, best_score, best_state = None, raw_score, raw
    for number in range(plan.epochs):
        order = np.random.default_rng([data.seed, number]).permutation(len(training))
        losses, since = [], time.monotonic()
        for step in range(steps):
            done = number * steps + step
            data.progress("recover", done, total)
            rate = learning_rate(done, total, peak=plan.rate, warmup=min(10, steps))
            for group in optimiser.param_groups:
                group["lr"] = rate
            rows = [training[i] for i in order[step * plan.batch : (step + 1) * plan.batch]]
            optimiser.zero_grad(set_to_none=True)
            for sample in rows:
                loss = _loss(pruned, teacher, sample, data) / len(rows)
                loss.backward()  # type: ignore[no-untyped-call]
                losses.append(float(loss.detach()) * len(rows))
            if not isfinite(losses[-1]):
                raise DataError("The recovery's loss is not finite; lower recovery.rate.")
            torch.nn.utils.clip_grad_norm_(weights, 2.0)
            optimiser.step()
        score = _score(pruned, teacher, watching)
        seconds = time.monotonic() - since
        epochs.append(Epoch(loss=float(np.mean(losses)), score=score, seconds=seconds))
        if score > best_score:
            best, best_score, best_state = number, score, copy_state(pruned.holder)
        late = (time.thread_time() - begun) * (number + 2) / (number + 1) > 60 * plan.minutes
        if late or number - (best if best is not None else -1) >= plan.patience:
            break
    data.progress("recover", total, total)
    pruned.holder.load_state_dict(best_state)
    return RecoveryReport(method="distil", samples=len(training), epochs=tuple(epochs), best=best)


def _loss(pruned: Parts, teacher: Parts, sample: Seen, data: RecoveryData) -> Tensor:
    with torch.no_grad():
        aims = teacher.embed(sample.features)
        wanted = teacher.answer(aims)
    embeddings = pruned.embed(sample.features)
    given = pruned.answer(embeddings)
    plan = data.recovery
    loss = plan.teacher_weight * _divergence(data.heads, given, wanted)
    if sample.truth:
        loss = loss + loss_of(data.heads, given, sample.truth)
    same = [
        functional.mse_loss(value, aims[name]) / aims[name].var().clamp_min(1e-3)
        for name, value in embeddings.items()
        if value.requires_grad and value.shape == aims[name].shape
    ]
    return loss + plan.embedding_weight * torch.stack(same).mean() if same else loss


def _divergence(
    heads: Sequence[Head], given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> Tensor:
    """Kullback-Leibler from the teacher's answer, summed over the heads."""
    total = torch.zeros(())
    for head in heads:
        mine, aim = (_log_shares(head, x[head.name].reshape(1, -1)) for x in (given, wanted))
        total = total + functional.kl_div(mine, aim, log_target=True, reduction="batchmean")
    return total


def _log_shares(head: Head, output: Tensor) -> Tensor:
    if head.output == "probabilities":
        output = output.clamp(1e-6, 1 - 1e-6)
        shares = torch.cat((1 - output, output), 1) if output.shape[1] == 1 else output
        return shares.log()
    if output.shape[1] == 1:
        return torch.cat((functional.logsigmoid(-output), functional.logsigmoid(output)), 1)
    return functional.log_softmax(output, 1)


def _score(pruned: Parts, teacher: Parts, seen: Sequence[Seen]) -> float:
    """Minus the mean divergence from the teacher: finer than accuracy on few samples."""
    total = 0.0
    with torch.no_grad():
        for sample in seen:
            given = pruned.answer(pruned.embed(sample.features))
            wanted = teacher.answer(teacher.embed(sample.features))
            total += float(_divergence(pruned.source.heads, given, wanted))
    return -total / len(seen)
