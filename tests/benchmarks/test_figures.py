"""The registry, and how a reading is judged."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edge_sdk.benchmarks.bench import Bench
from edge_sdk.benchmarks.evaluate.intervals import drop_interval
from edge_sdk.benchmarks.evaluate.scores import macro_f1
from edge_sdk.benchmarks.figures import FIGURES, choose
from edge_sdk.errors import DataError, UsageError

from .conftest import reading


def test_names_are_unique_and_usable_on_a_command_line() -> None:
    names = [figure.name for figure in FIGURES]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and " " not in name for name in names)
    assert all(figure.what for figure in FIGURES)


def test_all_figures_without_a_name_and_report_order_with_names() -> None:
    assert choose([]) == FIGURES
    names = [FIGURES[3].name, FIGURES[1].name]
    assert [figure.name for figure in choose(names)] == names[::-1]


def test_an_unknown_figure_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no figure 'logmel'; did you mean .*log-mel"):
        choose(["logmel"])
    with pytest.raises(UsageError, match=FIGURES[-1].name):
        choose(["zzz"])


@pytest.mark.parametrize(
    ("values", "goal", "verdict", "close"),
    [
        ((0.9,), None, "within the limit", False),
        ((1.0,), None, "within the limit", False),
        ((1.1,), None, "missed", False),
        ((0.2, 0.3, 0.4), 0.3, "goal met", False),
        ((0.2, 0.4, 0.5), 0.3, "within the limit", False),
        ((0.8, 0.9, 1.2), None, "within the limit", True),
        ((0.8, 1.1, 1.2), None, "missed", True),
        ((float("nan"),), None, "missed", False),
    ],
)
def test_the_median_decides_and_a_limit_in_the_noise_is_marked(
    values: tuple[float, ...], goal: float | None, verdict: str, close: bool
) -> None:
    judged = reading(*values, goal=goal)
    assert judged.verdict == verdict
    assert judged.close is close


def test_rounds_can_be_overridden(bench: Bench) -> None:
    assert bench.rounds(7) == 7
    with Bench(bench.checkpoint, bench.data, rounds=2) as other:
        assert other.rounds(7) == 2


def test_scratch_is_removed(bench: Bench) -> None:
    with Bench(bench.checkpoint, bench.data) as other:
        (other.scratch / "file").write_text("x")
    assert not other.scratch.exists()


def test_missing_samples_are_an_error(bench: Bench) -> None:
    with pytest.raises(DataError, match="no sample set"):
        bench.whole_samples(1)


def test_the_room_loads_neither_the_converter_nor_torch() -> None:
    code = (
        "import sys, edge_sdk.benchmarks.command as c\n"
        "bad = [m for m in sys.modules if m.startswith(('torch', 'edge_sdk.converters'))]\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_without_a_pruned_checkpoint_the_figure_says_how_to_make_one(bench: Bench) -> None:
    (figure,) = choose(["pruning"])
    with pytest.raises(DataError, match=r"pruned-checkpoint: make one with edge-sdk prune"):
        list(figure.measure(bench))


def test_the_interval_of_a_loss_holds_it_and_knows_which_samples_are_the_same() -> None:
    rows = [("ab"[i % 2], "ab"[(i + (i % 7 == 0)) % 2], "ab"[(i + (i % 3 == 0)) % 2])
            for i in range(300)]  # fmt: skip
    first, second = (macro_f1((row[0], row[i]) for row in rows) for i in (1, 2))
    low, high = drop_interval(rows)
    assert low < 100 * (first - second) < high
    assert low > 0
    same = [(wanted, got, got) for wanted, got, _ in rows]
    assert drop_interval(same) == (0.0, 0.0)
