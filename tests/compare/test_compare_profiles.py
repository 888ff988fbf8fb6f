"""``edge-sdk compare base.json new.json`` through the command line, on altered profiles."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_sdk.benchmarks.profile import ProfileOptions, ProfileResult, profile, write_result
from edge_sdk.benchmarks.profile.percentiles import estimate_of, latency_of

from ..browser import Browser
from ..cli.conftest import Run

Altered = Callable[..., Path]


@pytest.fixture(scope="module")
def measured(tiny_bundle: Path) -> ProfileResult:
    return profile(tiny_bundle, ProfileOptions(rounds=3, calls=10))


@pytest.fixture
def altered(measured: ProfileResult, tmp_path: Path) -> Altered:
    """A profile whose calls take what is said: factors by stage, five quiet rounds."""

    def make(name: str, *, total: float = 10.0, peak: float = 80e6, shake: float = 0.004,
             **changes: Any) -> Path:  # fmt: skip
        steps = [1 + shake * k for k in (-1, -0.5, 0, 0.5, 1)]
        latency = latency_of([[total * s] * 10 for s in steps])
        found = msgspec.structs.replace(
            measured,
            stages={**measured.stages, "total": latency},
            cpu=latency,
            starts=measured.starts[:1] * 5,
            memory=msgspec.structs.replace(
                measured.memory, peak=estimate_of([peak * s for s in steps])
            ),
        )
        for path, value in changes.items():
            part, field = path.split("__")
            inner = msgspec.structs.replace(getattr(found, part), **{field: value})
            found = msgspec.structs.replace(found, **{part: inner})
        output = tmp_path / f"{name}.json"
        write_result(found, output)
        return output

    return make


def verdicts(done: Any) -> dict[str, dict[str, Any]]:
    return {m["metric"]: m for m in done.json["metrics"]}


def test_the_same_passes(run: Run, altered: Altered) -> None:
    done = run("compare", altered("a"), altered("b"), "--json")
    assert done.code == 0
    assert done.json["passed"]
    found = verdicts(done)
    assert found["total.p50_ms"]["change"] == "same"
    assert found["size_mb"]["change"] == "same"


def test_a_tenth_slower_does_not(run: Run, altered: Altered) -> None:
    done = run("compare", altered("a"), altered("b", total=11.0), "--json")
    assert done.code == 5
    found = verdicts(done)["total.p50_ms"]
    assert found["change"] == "worse"
    assert found["ratio"]["value"] == pytest.approx(1.1)
    assert "total.p50_ms changed by +10.0%" in done.err
    assert run("compare", altered("b", total=11.0), altered("a"), "--json").code == 0


def test_a_table_for_people(run: Run, altered: Altered) -> None:
    done = run("compare", altered("a"), altered("b", total=11.0))
    assert done.code == 5
    assert "WORSE" in done.out
    assert "not passed" in done.out
    assert "+10.0%" in done.out


def test_a_page_for_people(run: Run, altered: Altered, browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "c.html"
    done = run("compare", altered("a"), altered("b", total=11.0), "--html", page)
    assert done.code == 5
    seen = browser.look(page)
    seen.check()
    assert seen.headings == ["Comparison", "Changes"]
    (plot,) = seen.plots
    assert "total.p50_ms +10.0%" in plot.alt
    assert "size_mb +0.0%" in plot.alt
    for what in ("not passed", "total.p50_ms changed by +10.0% and is worse", "WORSE", "peak_mb"):
        assert what in seen.text
    quiet = run("compare", altered("a"), altered("b"), "--html", page, "--json")
    assert quiet.code == 0
    assert quiet.json["passed"]
    assert "not passed" not in browser.look(page).text
    nowhere = run("compare", altered("a"), altered("b"), "--html", tmp_path / "no" / "c.html")
    assert nowhere.code != 0


def test_budgets_decide(run: Run, altered: Altered, tmp_path: Path) -> None:
    budgets = tmp_path / "budgets.toml"
    base, new = altered("a"), altered("b", total=11.0, peak=90e6)

    def code(text: str) -> int:
        budgets.write_text(text)
        return run("compare", base, new, "--budget", budgets).code

    assert code('[default.regression]\n"total.p50_ms" = "15%"') == 0
    assert code('[default.regression]\n"total.p50_ms" = "5%"') == 5
    assert code('[default.limits]\n"total.p50_ms" = 12') == 0
    assert code('[default.limits]\n"total.p50_ms" = 10.5') == 5
    assert code('[local.limits]\n"peak_mb" = 85') == 5
    assert code('[rpi5.limits]\n"peak_mb" = 85') == 0  # another target's
    assert code('[default.limits]\n"peak_mb" = 85\n[local.limits]\n"peak_mb" = 95') == 0


def test_what_is_within_a_part_is_shown_where_it_is_gated(
    run: Run, altered: Altered, tmp_path: Path
) -> None:
    metric = "encoder.audio.invoke.p50_ms"
    assert metric not in verdicts(run("compare", altered("a"), altered("b"), "--json"))
    budgets = tmp_path / "b.toml"
    budgets.write_text(f'[default.regression]\n"{metric}" = "5%"\n')
    found = verdicts(run("compare", altered("a"), altered("b"), "--budget", budgets, "--json"))
    assert found[metric]["allowed"] == 0.05


def test_a_base_of_an_older_version_is_compared(run: Run, altered: Altered, tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    content = json.loads(altered("a").read_text())
    del content["within"]
    old.write_text(json.dumps(content))
    done = run("compare", old, altered("b"), "--json")
    assert done.code == 0
    assert verdicts(done)["total.p50_ms"]["change"] == "same"


def test_noise_is_said_and_fails_only_where_it_is_to(
    run: Run, altered: Altered, tmp_path: Path
) -> None:
    base, new = altered("a", shake=0.1), altered("b", total=10.4, shake=0.1)
    done = run("compare", base, new)
    assert done.code == 0
    assert "unclear: total.p50_ms" in done.out
    budgets = tmp_path / "budgets.toml"
    budgets.write_text('unclear = "fail"\n[default.regression]\n"total.p50_ms" = "5%"')
    assert run("compare", base, new, "--budget", budgets).code == 5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[default.limits\n", "are not TOML"),
        ("", "name no target"),
        ('[default.limits]\n"total.p50" = 5', "did you mean total.p50_ms"),
        ('[default.regression]\n"total.p50_ms" = 5', 'percentage in quotes'),
        ('[default.regression]\n"accuracy" = "5%"', "in points"),
        ('[default.limit]\n"peak_mb" = 5', "cannot be used"),
        ('[default.limits]\n"peak_mb" = -5', "cannot be used"),
        ('unclear = "maybe"\n[default.limits]\n"peak_mb" = 5', "cannot be used"),
    ],
)  # fmt: skip
def test_budgets_that_cannot_be_used(
    run: Run, altered: Altered, tmp_path: Path, text: str, says: str
) -> None:
    budgets = tmp_path / "budgets.toml"
    budgets.write_text(text)
    done = run("compare", altered("a"), altered("b"), "--budget", budgets)
    assert done.code == 2
    assert says in done.err


def test_other_devices_are_not_compared(run: Run, altered: Altered) -> None:
    other = altered("b", device__model="Raspberry Pi 4 Model B", total=50.0)
    done = run("compare", altered("a"), other)
    assert done.code == 2
    assert "device is" in done.err
    assert run("compare", altered("a"), other, "--anyway").code == 5


def test_emulated_times_are_not_held_against_limits(
    run: Run, altered: Altered, tmp_path: Path
) -> None:
    budgets = tmp_path / "budgets.toml"
    budgets.write_text('[default.limits]\n"total.p50_ms" = 1\n"peak_mb" = 100')
    sides = [altered(name, device__emulated=True) for name in "ab"]
    done = run("compare", *sides, "--budget", budgets, "--json")
    assert done.code == 0
    assert verdicts(done)["total.p50_ms"]["kept"] == "not judged"
    assert verdicts(done)["peak_mb"]["kept"] == "kept"


def test_emulated_times_count_where_instructions_are_counted(run: Run, altered: Altered) -> None:
    for kind, code in (("qemu-system", 0), ("qemu-icount", 5)):
        more = {"device__emulated": True, "device__emulation": kind}
        sides = [altered("a", **more), altered("b", total=50.0, **more)]
        assert run("compare", *sides).code == code, kind
    done = run("compare", altered("a", **more), altered("b", device__emulated=True))
    assert done.code == 2
    assert "emulation is qemu-icount" in done.err


def test_what_changed_beside_is_said(run: Run, altered: Altered) -> None:
    new = altered("b", software__threads=4, sensors__throttled=True)
    notes = " ".join(run("compare", altered("a"), new, "--json").json["warnings"])
    assert "threads changed from 1 to 4" in notes
    assert "slowed down during the new run" in notes


def test_not_one_of_each(run: Run, altered: Altered, tiny_bundle: Path) -> None:
    assert run("compare", altered("a"), tiny_bundle).code == 2


def test_what_is_no_profile(run: Run, altered: Altered, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"schema": 1, "kind": "comparison"}))
    assert run("compare", altered("a"), other).code == 8
