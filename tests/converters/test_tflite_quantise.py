"""Quantised TFLite graphs stay close to fp32, and say what stayed float."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_sdk.bundle.tflite_note import read_note
from edge_sdk.converters.export.tflite_flatbuffer import Graph, tflite_float_share
from edge_sdk.converters.export.tflite_quantise import quantise_tflite
from edge_sdk.converters.export.tflite_recipes import TflitePrecision
from edge_sdk.converters.export.tflite_reference import TfliteReference
from edge_sdk.errors import DataError, InputError
from tests.tflite_parts import feed, feeds, fp32, quantised, size_of


def snr_db(kind: str, precision: TflitePrecision, *, optimise: bool = False) -> float:
    """Signal to error over unseen inputs, all outputs together."""
    before = TfliteReference(fp32(kind))
    after = TfliteReference(quantised(kind, precision), optimise=optimise)
    signal = noise = 0.0
    for inputs in feeds(kind, 24, first=500):
        wanted, got = before.run(inputs), after.run(inputs)
        for name in wanted:
            signal += float((wanted[name] ** 2).sum())
            noise += float(((wanted[name] - got[name]) ** 2).sum())
    return 10 * float(np.log10(signal / noise))


@pytest.mark.parametrize(
    "kind", ["audio gru", "audio tcn", "image", "text gru", "text transformer", "head concat"]
)
def test_int8_is_close_to_fp32(kind: str) -> None:
    assert snr_db(kind, "int8") > 25
    assert snr_db(kind, "int8", optimise=True) > 25
    share = tflite_float_share(fp32(kind), quantised(kind, "int8"))
    if kind == "text transformer":
        # attention multiplies activations, and there are no weights in that
        assert share.nodes == {"BATCH_MATMUL": 2}
        assert 0 < share.macs < 0.2
    else:
        assert share.nodes == {}
        assert share.macs == 0
    assert share.weights < 0.25  # biases of what is scaled when it runs


@pytest.mark.parametrize("kind", ["audio gru", "head concat"])
def test_dynamic_int8_needs_no_data(kind: str) -> None:
    graph = quantise_tflite(fp32(kind), "int8-dynamic", part=kind)
    assert len(graph) < len(fp32(kind))
    assert snr_db(kind, "int8-dynamic") > 25


def test_half_precision_halves_the_weights_and_is_float() -> None:
    assert snr_db("image", "fp16") > 50
    assert len(quantised("image", "fp16")) < len(fp32("image"))
    share = tflite_float_share(fp32("image"), quantised("image", "fp16"))
    assert share.macs == 1
    assert "CONV_2D" in share.nodes


def test_labels_agree() -> None:
    before = TfliteReference(fp32("head concat"))
    after = TfliteReference(quantised("head concat", "int8"), optimise=True)
    same = [
        before.run(inputs)[name].argmax() == after.run(inputs)[name].argmax()
        for inputs in feeds("head concat", 200, first=900)
        for name in ("shape", "tone")
    ]
    assert np.mean(same) >= 0.98


def test_the_embedding_is_quantised() -> None:
    graph = Graph(quantised("text gru", "int8"))
    (lookup,) = [n for n in graph.main.operators if graph.operator(n) == "EMBEDDING_LOOKUP"]
    assert not graph.is_float(int(lookup.inputs[1]))


def test_the_interface_stays_as_it_was() -> None:
    for precision in ("int8", "int8-dynamic", "fp16"):
        graph = quantised("image", precision)  # type: ignore[arg-type]
        assert read_note(graph) == read_note(fp32("image"))
        assert TfliteReference(graph).run(feed("image"))["embedding"].dtype == np.float32


def test_a_range_is_the_true_one_and_nothing_clips() -> None:
    # one sample of 32 is ten times as loud as the others: an average would forget it
    def loud_at_first() -> Iterator[dict[str, NDArray[np.generic]]]:
        for number, inputs in enumerate(feeds("audio tcn", 32)):
            yield {"features": inputs["features"] * np.float32(1 if number else 10)}

    graph = TfliteReference(quantise_tflite(fp32("audio tcn"), "int8", loud_at_first()))
    inputs = {"features": next(iter(feeds("audio tcn", 1)))["features"] * np.float32(10)}
    wanted = TfliteReference(fp32("audio tcn")).run(inputs)["embedding"]
    error = graph.run(inputs)["embedding"] - wanted
    assert 10 * np.log10((wanted**2).sum() / (error**2).sum()) > 25


def test_one_sample_is_in_memory_at_a_time() -> None:
    alive: list[weakref.ref[NDArray[np.generic]]] = []
    most = 0

    def watched() -> Iterator[dict[str, NDArray[np.generic]]]:
        nonlocal most
        for seed in range(6):
            inputs = feed("image", seed=seed)
            alive.append(weakref.ref(inputs["features"]))
            yield inputs
            del inputs
            gc.collect()
            most = max(most, sum(ref() is not None for ref in alive))

    quantise_tflite(fp32("image"), "int8", watched())
    assert len(alive) == 6
    assert most <= 1


def test_an_activation_that_is_always_zero_has_a_scale() -> None:
    silent = ({"features": np.zeros((1, 5, 12), np.float32)} for _ in range(2))
    graph = TfliteReference(quantise_tflite(fp32("audio tcn"), "int8", silent), optimise=True)
    assert np.isfinite(graph.run(feed("audio tcn", 5))["embedding"]).all()


def test_the_same_data_give_the_same_bytes() -> None:
    again = quantise_tflite(fp32("image"), "int8", feeds("image", 32), part="image")
    assert again == quantised("image", "int8")


def test_no_calibration_data_is_an_error() -> None:
    with pytest.raises(DataError, match="no calibration sample for the part image"):
        quantise_tflite(fp32("image"), "int8", part="image")


def test_a_sample_that_breaks_the_arithmetic_is_an_error() -> None:
    bad = {"features": np.full((1, 3, 16, 16), np.nan, np.float32)}
    with pytest.raises(DataError, match="sample 2 makes a value inside the part image"):
        quantise_tflite(fp32("image"), "int8", [feed("image"), bad], part="image")


def test_a_sample_that_is_too_long_is_an_error() -> None:
    long = feed("audio tcn", size_of("audio tcn") + 1)
    with pytest.raises(InputError, match="steps; this graph takes"):
        quantise_tflite(fp32("audio tcn"), "int8", [long])
