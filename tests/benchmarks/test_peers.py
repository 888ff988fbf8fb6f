"""The comparison's statistics, its table from recorded numbers, and what peers are given."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_sdk.benchmarks.peers.accuracy import Classes, accuracies, macro_f1
from edge_sdk.benchmarks.peers.environment import versions_of
from edge_sdk.benchmarks.peers.latency import middle, ratio
from edge_sdk.benchmarks.peers.material import Material
from edge_sdk.benchmarks.peers.page import to_markdown
from edge_sdk.benchmarks.peers.result import Result, from_json, to_json
from edge_sdk.benchmarks.peers.roster import CANDIDATES
from edge_sdk.benchmarks.peers.worker import WorkerPeer
from edge_sdk.benchmarks.section import kept_section, write_section
from edge_sdk.converters.fusion.metrics import classification_metrics
from edge_sdk.converters.sources import as_origin, read_source
from edge_sdk.errors import EngineError

PEERS = Path(__file__).parents[2] / "benchmarks" / "peers"
RECORDED = PEERS / "results.json"

#: Runs a part on an input of its own, where the SDK cannot be imported.
WITHOUT_SDK = """
import sys
sys.modules["edge_sdk"] = None
import numpy as np, torch
from torch.package.package_importer import PackageImporter
module = PackageImporter(sys.argv[1]).load_pickle("part", "module.pkl")
with np.load(sys.argv[2]) as given, torch.no_grad():
    found = module(*(torch.from_numpy(given[name]) for name in given.files))
np.savez(sys.argv[3], *(one.numpy() for one in (found if isinstance(found, tuple) else [found])))
"""


@pytest.fixture(scope="module")
def recorded() -> Result:
    return from_json(RECORDED.read_bytes())


def test_macro_f1_is_that_of_the_gate() -> None:
    draw = np.random.default_rng(3)
    true, said = draw.integers(7, size=(2, 200))
    # Class 7 occurs in neither and does not count; class 6 is never said.
    said[said == 6] = 0
    wanted = classification_metrics(true, said, [str(n) for n in range(8)]).f1
    assert macro_f1(true, said, 8) == pytest.approx(wanted, abs=1e-12)


def test_a_worse_candidate_is_behind_and_its_interval_says_so() -> None:
    draw = np.random.default_rng(0)
    labels = draw.integers(4, size=300)
    wrong = np.where(draw.random(300) < 0.3, (labels + 1) % 4, labels)
    truth: Classes = {"a": labels.tolist()}
    answers: dict[str, list[Classes]] = {
        "right": [truth, truth],
        "wrong": [{"a": wrong.tolist()}],
        "again": [truth],
    }
    found = accuracies(truth, truth, answers, "right", {"a": 4})
    worse, same = found["wrong"]["a"], found["again"]["a"]
    assert worse.ahead.low < worse.ahead.value < worse.ahead.high < 0
    assert worse.agreement.value == pytest.approx(float((wrong == labels).mean()))
    assert worse.macro_f1.low < worse.macro_f1.value < worse.macro_f1.high < 1
    assert (same.ahead.low, same.ahead.high) == (0, 0)


def test_samples_without_a_label_do_not_count_for_it() -> None:
    truth: Classes = {"a": [0, 1, -1, -1]}
    said: Classes = {"a": [0, 1, 0, 1]}
    found = accuracies(truth, {"a": [0, 1, 1, 1]}, {"x": [said]}, "x", {"a": 2})["x"]["a"]
    assert found.samples == 2
    assert found.macro_f1.value == 1
    assert found.agreement.value == 0.75


def test_a_ratio_is_taken_round_by_round() -> None:
    ours = [[{"a": 1.0 * pace, "b": 1.0 * pace} for pace in (1, 5, 2)] for _ in range(3)]
    theirs = [[{"a": 2.0 * pace, "b": 1.0 * pace} for pace in (1, 5, 2)] for _ in range(3)]
    found = ratio(theirs, ours)
    assert found.value == pytest.approx(1.5)
    assert found.low == pytest.approx(1.5)
    assert middle(ours) == {"a": 2.0, "b": 2.0, "sum": 4.0}


def test_the_json_holds_everything(recorded: Result) -> None:
    assert from_json(to_json(recorded)) == recorded


def test_the_page_has_every_row_and_every_reason(recorded: Result) -> None:
    page = to_markdown(recorded)
    for title in (*(r.title for r in recorded.rows), *(r.title for r in recorded.frontends)):
        assert f"| {title} |" in page
    for one in recorded.not_run:
        assert f"- not run: {one.title}: {one.why}" in page
    assert recorded.date in page
    assert recorded.machine.cpu in page
    tables = [line for line in page.splitlines() if line.startswith("|")]
    widths = [line.count(" | ") for line in tables]
    heads = len(recorded.rows[0].accuracy)
    assert widths[0] == 2 * heads + 2
    assert set(widths[: len(recorded.rows) + 2]) == {widths[0]}


def changed(result: Result, name: str, factor: float, *fields: str) -> Result:
    """``result`` with these numbers of a row's conversions ``factor`` times what they are."""
    rows = list(result.rows)
    place = next(i for i, row in enumerate(rows) if row.name == name)
    conversions = tuple(
        msgspec.structs.replace(c, **{f: type(getattr(c, f))(factor * getattr(c, f))
                                      for f in fields})
        for c in rows[place].conversions
    )  # fmt: skip
    rows[place] = msgspec.structs.replace(rows[place], conversions=conversions)
    return msgspec.structs.replace(result, rows=tuple(rows))


def goal_of(page: str, title: str) -> str:
    return next(line for line in page.splitlines() if line.startswith(f"- {title}: "))


def test_the_page_says_where_ours_loses(recorded: Result) -> None:
    """The recorded run with another's numbers for ours, many times the file, memory and time."""
    fields = ("size", "whole_peak_bytes", "whole_cpu_seconds")
    olive = next(row.title for row in recorded.rows if row.name == "olive")
    worse = goal_of(to_markdown(changed(recorded, recorded.ours, 99, *fields)), olive)
    better = goal_of(to_markdown(changed(recorded, recorded.ours, 0.01, *fields)), olive)
    for sentence in ("file is larger", "CPU time is higher", "memory is higher"):
        assert f"**our {sentence}**" in worse
        assert sentence not in better


def test_memory_with_the_export_is_in_the_table(recorded: Result) -> None:
    page = to_markdown(changed(recorded, "olive", 100, "whole_peak_bytes"))
    row = next(row for row in recorded.rows if row.name == "olive")
    own, whole = (
        max(getattr(c, field) for c in row.conversions) / 1e6
        for field in ("peak_bytes", "whole_peak_bytes")
    )
    heading = next(line for line in page.splitlines() if "kB of graphs" in line).split(" | ")
    table = page[page.index("kB of graphs") :]
    cells = next(x for x in table.splitlines() if x.startswith(f"| {row.title} |")).split(" | ")
    assert cells[heading.index("peak MB")] == f"{own:.0f}"
    assert cells[heading.index("peak MB with the export")] == f"{100 * whole:.0f}"


def test_a_section_is_replaced_in_its_place_and_kept_by_others(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Results\n\nold\n")
    assert kept_section(page, "peers") == ""
    write_section(page, "peers", "one")
    page.write_text(page.read_text() + "\nbelow\n")
    write_section(page, "peers", "two")
    text = page.read_text()
    assert text.startswith("# Results\n\nold\n")
    assert text.endswith("\nbelow\n")
    assert "one" not in text
    assert text.count("two") == 1
    assert "two" in kept_section(page, "peers")


def test_every_environment_names_exact_versions() -> None:
    for path in (PEERS / "requirements").glob("*.txt"):
        lines = [x for x in path.read_text().splitlines() if x and not x.startswith("#")]
        assert lines
        for line in lines:
            name, equals, version = line.partition("==")
            assert name, path
            assert equals, (path, line)
            assert version[0].isdigit(), (path, line)
    assert "olive-ai 0.13.0" in versions_of()["olive"]


def test_a_part_from_torch_runs_without_the_sdk(tiny_checkpoint: Path, tmp_path: Path) -> None:
    modules = Material(tiny_checkpoint, tmp_path, tmp_path, tmp_path, 48).modules
    parts = {spec.name: spec for spec in read_source(as_origin(tiny_checkpoint)).parts}
    assert set(modules) == set(parts) == {"audio", "image", "text", "head"}
    for name, package in modules.items():
        told = msgspec.json.decode(Path(package).with_suffix(".json").read_bytes())
        assert told["inputs"] == list(parts[name].inputs)
        assert told["outputs"] == list(parts[name].outputs)
        assert set(told["dynamic"]) == set(parts[name].dynamic)
    assert msgspec.json.decode((tmp_path / "modules" / "audio.json").read_bytes())["dynamic"] == {
        "features": {"1": "frames"}
    }

    spec = parts["audio"]
    assert spec.module is not None
    *_, (length, (features,)) = spec.examples()
    assert length != spec.example[0].shape[1]
    np.savez(tmp_path / "given.npz", allow_pickle=False, features=features.numpy())
    files = (modules["audio"], str(tmp_path / "given.npz"), str(tmp_path / "found.npz"))
    subprocess.run([sys.executable, "-W", "ignore", "-c", WITHOUT_SDK, *files], check=True)
    with np.load(tmp_path / "found.npz") as found:
        wanted = spec.module.eval()(features).detach().numpy()
        np.testing.assert_allclose(found["arr_0"], wanted, atol=1e-5)


class FromTorch(Material):
    """Torch modules and calibration inputs that nobody reads."""

    @cached_property
    def modules(self) -> dict[str, str]:
        return {"audio": "audio.package", "head": "head.package"}

    def feeds(self, seed: int) -> dict[str, str]:
        return {}


def test_a_peer_from_torch_that_refuses_a_part_has_nothing_to_run(tmp_path: Path) -> None:
    peer = next(c for c in CANDIDATES if c.name == "olive-from-torch")
    assert isinstance(peer, WorkerPeer)
    out, home = tmp_path / "out", tmp_path / "olive"
    out.mkdir()
    (home / "bin").mkdir(parents=True)
    shutil.copyfile(PEERS / "requirements" / "olive.txt", home / "made-from.txt")
    python = home / "bin" / "python"

    def answering(made: dict[str, str], refused: dict[str, str]) -> None:
        """An interpreter that runs no worker and has its result at hand."""
        told = msgspec.json.encode({"made": made, "refused": refused}).decode()
        python.write_text(f"#!/bin/sh\necho '{told}' > '{out}/result.json'\n")
        python.chmod(0o755)

    material = FromTorch(tmp_path, tmp_path, tmp_path, tmp_path, 48)
    answering({"head": "head.onnx"}, {"audio": "no GRU here"})
    with pytest.raises(EngineError, match=r"^It does not convert audio: no GRU here\.$"):
        peer.convert(material, 0, out)

    graphs = {name: str(out / f"{name}.onnx") for name in ("audio", "head")}
    for path in graphs.values():
        Path(path).write_bytes(bytes(100))
    answering(graphs, {})
    converted = peer.convert(material, 0, out)
    assert {name: graph.graph for name, graph in converted.parts.items()} == graphs
    assert converted.size == 200
    assert converted.before is None


def test_every_candidate_has_a_name_of_its_own_and_its_environment() -> None:
    names = [candidate.name for candidate in CANDIDATES]
    assert len(set(names)) == len(names)
    for candidate in CANDIDATES:
        if candidate.environment is not None:
            assert (PEERS / "requirements" / f"{candidate.environment}.txt").is_file()
