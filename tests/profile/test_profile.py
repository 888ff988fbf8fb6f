"""``edge-sdk profile`` through the command line, its result, and its page in a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edge_sdk.benchmarks.profile import read_result
from edge_sdk.benchmarks.profile.__main__ import main as module_main
from edge_sdk.benchmarks.profile.result import SCHEMA, result_schema
from edge_sdk.bundle import Bundle
from edge_sdk.errors import DataError
from edge_sdk.samples import SampleSet, write_index

from ..browser import Browser
from ..bundles import rewrite


@pytest.fixture(scope="module")
def profiled(
    tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path]:
    """A profile of the tiny bundle with everything in it: the JSON, and the folder it lies in."""
    from edge_sdk.cli.main import main

    folder = tmp_path_factory.mktemp("profile")
    words = ["profile", str(tiny_bundle), "--rounds", "3", "--calls", "10", "--layers",
             "--thermal", "0.01", "--json", str(folder / "p.json"),
             "--html", str(folder / "p.html")]  # fmt: skip
    with pytest.raises(SystemExit) as left:
        main(words)
    assert not left.value.code
    return json.loads((folder / "p.json").read_text()), folder


def test_every_stage_is_measured(profiled, tiny_bundle) -> None:
    result, _ = profiled
    assert list(result["stages"]) == [
        "frontend.audio", "encoder.audio", "frontend.image", "encoder.image",
        "frontend.text", "encoder.text", "head", "post", "total",
    ]  # fmt: skip
    for stage in result["stages"].values():
        assert stage["calls"] == 30
        assert [len(one) for one in stage["rounds"]] == [10, 10, 10]
        levels = [stage[name]["value"] for name in ("p50", "p90", "p95", "p99")]
        assert levels == sorted(levels)
        assert levels[-1] <= stage["max"] * (1 + 1e-9)
        assert stage["p50"]["low"] <= stage["p50"]["value"] <= stage["p50"]["high"]
    total = result["stages"]["total"]["mean"]
    parts = sum(s["mean"] for name, s in result["stages"].items() if name != "total")
    assert parts == pytest.approx(total, rel=1e-6)


def test_within_a_part_the_engines_call_is_told_apart(profiled) -> None:
    result, _ = profiled
    graphs = [s for s in result["stages"] if s.startswith("encoder.") or s == "head"]
    assert list(result["within"]) == [
        f"{stage}.{what}" for stage in graphs for what in ("inputs", "invoke", "outputs")
    ]
    for stage in graphs:
        whole = result["stages"][stage]["rounds"]
        parts = [
            result["within"][f"{stage}.{w}"]["rounds"] for w in ("inputs", "invoke", "outputs")
        ]
        for calls, *inner in zip(whole, *parts, strict=True):
            for call, *times in zip(calls, *inner, strict=True):
                assert min(times) >= 0
                # To the rounding of what is written.
                assert 0 < times[1] <= sum(times) <= call + 1e-4


def test_a_result_of_before_it_told_that_is_read(profiled, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({k: v for k, v in profiled[0].items() if k != "within"}))
    assert read_result(path).within == {}


def test_cold_memory_and_provenance(profiled, tiny_bundle) -> None:
    result, _ = profiled
    assert result["schema"] == SCHEMA
    assert len(result["starts"]) == 3
    assert all(v > 0 for start in result["starts"] for v in start.values())
    memory = result["memory"]
    assert memory["imported"]["value"] < memory["opened"]["value"] <= memory["peak"]["value"]
    assert memory["unique"] is None or memory["unique"]["value"] < memory["resident"]["value"]
    assert memory["over_time"]
    manifest = Bundle.open(tiny_bundle).manifest
    assert result["bundle"]["digest"] == manifest.digest
    assert result["bundle"]["precisions"]["audio"] == "int8"
    assert result["inputs"]["source"] == "golden"
    assert result["inputs"]["samples"] >= 1
    assert result["software"]["engines"].keys() == {"onnxruntime"}
    assert isinstance(result["device"]["emulated"], bool)


def test_layers_are_those_of_the_engine(profiled) -> None:
    layers = profiled[0]["layers"]
    assert set(layers) == {"audio", "image", "text", "head"}
    for part in layers.values():
        assert part["placement"]["nodes"].keys() == {"CPUExecutionProvider"}
        assert sum(layer["share"] for layer in part["times"]) == pytest.approx(1.0)
        spent = [layer["median_us"] for layer in part["times"]]
        assert spent == sorted(spent, reverse=True)
    assert any(layer["operator"] == "GRU" for layer in layers["audio"]["times"])


def test_a_thermal_run_has_its_points(profiled) -> None:
    points = profiled[0]["thermal"]
    assert points
    assert all(p["calls"] > 0 and p["p50"] <= p["p99"] for p in points)
    assert points[-1]["seconds"] >= 0.6


def test_capture_is_measured_for_sound_and_pictures(profiled) -> None:
    capture = profiled[0]["capture"]
    assert set(capture) == {"audio", "image"}
    assert capture["audio"]["every_ms"] == 80.0
    assert 0 < capture["audio"]["core"] < 1
    assert capture["image"]["core"] is None
    for source in capture.values():
        assert len(source["capture"]["rounds"]) == len(source["frontend"]["rounds"]) == 3
        assert source["frontend"]["p50"]["value"] > 0
    assert "capture" not in profiled[0]["not_measured"]


def test_the_result_keeps_its_published_schema(profiled) -> None:
    schema = result_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(profiled[0], schema)
    broken = dict(profiled[0], stages={"total": {"p50": "fast"}})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def test_a_result_is_read_as_it_was_written(profiled) -> None:
    result, folder = profiled
    read = read_result(folder / "p.json")
    assert read.bundle.digest == result["bundle"]["digest"]
    assert read.stages["total"].p50.value == result["stages"]["total"]["p50"]["value"]


def test_the_page_shows_it(profiled, browser: Browser) -> None:
    seen = browser.look(profiled[1] / "p.html")
    seen.check()
    assert seen.headings[:2] == ["Profile of tiny", "Latency"]
    alts = " ".join(plot.alt for plot in seen.plots)
    for what in ("Histogram of 30", "Waterfall", "slowest layers", "A line about", "Median from"):
        assert what in alts
    for what in ("encoder.audio", "not measured", "provenance".title(), "From a delivery",
                 "invoke p50 ms"):  # fmt: skip
        assert what in seen.text


def test_damaged_newer_and_other_files_are_refused(profiled, tmp_path: Path) -> None:
    result, _ = profiled
    for content, says in (
        (dict(result, schema=SCHEMA + 1), "newer edge-sdk"),
        ({"a": 1}, "not a profile"),
        ({k: v for k, v in result.items() if k != "stages"}, "damaged"),
    ):
        path = tmp_path / "x.json"
        path.write_text(json.dumps(content))
        with pytest.raises(DataError, match=says):
            read_result(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_result(tmp_path / "none.json")


def test_one_part_alone(run, tiny_bundle) -> None:
    done = run("profile", tiny_bundle, "--part", "image", "--rounds", "1", "--calls", "10",
               "--json", "-")  # fmt: skip
    assert done.code == 0
    assert list(done.json["stages"]) == ["frontend.image", "encoder.image", "total"]
    assert list(done.json["capture"]) == ["image"]
    assert done.json["stages"]["total"]["p50"]["low"] is None  # one round has no interval


def test_own_samples_are_used(run, tiny_bundle, sample_set) -> None:
    done = run("profile", tiny_bundle, "--part", "head", "--samples", sample_set.root,
               "--rounds", "1", "--calls", "10", "--json", "-")  # fmt: skip
    assert done.code == 0
    assert done.json["inputs"]["source"] == sample_set.root.name
    assert done.json["inputs"]["samples"] > 4
    assert list(done.json["stages"]) == ["head", "total"]


def test_what_is_printed_for_people(run, tiny_bundle) -> None:
    done = run("profile", tiny_bundle, "--rounds", "1", "--calls", "10")
    assert done.code == 0
    for what in ("p50 ms", "encoder.audio", "total", "cold", "memory, MB", "capture of audio",
                 "within head, p50 ms: inputs"):  # fmt: skip
        assert what in done.out


def test_mistakes_have_a_sentence(tiny_bundle, tmp_path) -> None:
    from edge_sdk.benchmarks.profile import ProfileOptions, profile
    from edge_sdk.errors import EngineError, UsageError

    with pytest.raises(UsageError, match="no part 'video'; it has"):
        profile(tiny_bundle, ProfileOptions(part="video", rounds=1, calls=10))
    with pytest.raises(EngineError, match="no graphs for litert"):
        profile(tiny_bundle, ProfileOptions(engine="litert", rounds=1, calls=10))
    with pytest.raises(DataError, match="no sample set"):
        profile(tiny_bundle, ProfileOptions(samples=str(tmp_path), rounds=1, calls=10))


@pytest.mark.parametrize(("part", "stage"), [("audio", "encoder.audio"), ("head", "head")])
def test_a_part_back_to_back_is_timed_without_what_comes_before_it(
    run, tiny_bundle, tmp_path, part: str, stage: str
) -> None:
    output = tmp_path / "p.json"
    done = run("profile", tiny_bundle, "--part", part, "--back-to-back", "--rounds", "1",
               "--calls", "10", "--json", str(output))  # fmt: skip
    assert done.code == 0, done.err
    assert "back to back" in done.out
    found = read_result(output)
    assert list(found.stages) == [stage, "total"]
    assert found.stages[stage].rounds == found.stages["total"].rounds
    assert list(found.within) == [f"{stage}.{what}" for what in ("inputs", "invoke", "outputs")]
    assert found.options.back_to_back


def test_back_to_back_needs_a_part(run, tiny_bundle) -> None:
    from edge_sdk.benchmarks.profile import ProfileOptions, profile
    from edge_sdk.errors import UsageError

    done = run("profile", tiny_bundle, "--back-to-back")
    assert done.code == UsageError.exit_code
    assert "--part" in done.err
    with pytest.raises(UsageError, match="--part"):
        profile(tiny_bundle, ProfileOptions(back_to_back=True, rounds=1, calls=10))


def test_samples_without_what_the_part_needs(tiny_bundle, tmp_path, sample_set) -> None:
    from edge_sdk.benchmarks.profile import ProfileOptions, profile

    only = tmp_path / "only-text"
    only.mkdir()
    words = [s for s in sample_set if s.text][:3]
    import msgspec

    write_index(only, [msgspec.structs.replace(s, audio=None, image=None) for s in words])
    assert len(SampleSet.open(only)) == 3
    options = ProfileOptions(part="image", samples=str(only), rounds=1, calls=10)
    with pytest.raises(DataError, match="no sample with image"):
        profile(tiny_bundle, options)


def test_a_bundle_without_golden_samples_says_what_to_do(tiny_bundle, tmp_path) -> None:
    from edge_sdk.benchmarks.profile import ProfileOptions, profile

    bare = rewrite(tiny_bundle, tmp_path / "bare.edge", golden=())
    with pytest.raises(DataError, match="--samples"):
        profile(bare, ProfileOptions(rounds=1, calls=10))


def test_as_a_module_for_other_programs(tiny_bundle, tmp_path, capsys) -> None:
    options = tmp_path / "options.json"
    options.write_text('{"rounds": 1, "calls": 10, "part": "text"}')
    output = tmp_path / "out.json"
    assert module_main([str(tiny_bundle), str(output), str(options)]) == 0
    assert "encoder.text" in read_result(output).stages
    options.write_text('{"round": 1}')
    assert module_main([str(tiny_bundle), str(output), str(options)]) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_html_needs_matplotlib(run, tiny_bundle, tmp_path, monkeypatch) -> None:
    """It is said before the work, not after it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = run("profile", tiny_bundle, "--html", tmp_path / "p.html")
    assert done.code == 11
    assert "edge-sdk[report]" in done.err
