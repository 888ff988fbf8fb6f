"""What a profile says, typed: one JSON object with its schema's number and full provenance."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from edge_sdk.runtimes.engines.layer_times import LayerTime
from edge_sdk.runtimes.engines.placement import Placement
from edge_sdk.runtimes.probes import Reading

from ..documents import decode_document, read_document, write_document
from .capture import CaptureCost
from .inputs import InputsInfo
from .options import ProfileOptions
from .percentiles import Estimate, Latency
from .sampler import Look

#: Readers refuse a larger number. A field that old readers may ignore is added with a default;
#: anything else raises it.
SCHEMA = 1
KIND: Literal["profile"] = "profile"


class BundleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Which bundle: its manifest's digest tells it from every other."""

    name: str
    digest: str
    target: str
    edition: str
    precisions: dict[str, str]
    bytes: int
    graph_bytes: int


class DeviceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Where it ran. ``emulated`` results say nothing about a board's absolute times."""

    model: str
    cpu: str
    arch: str
    features: tuple[str, ...]
    cores: int
    memory_bytes: int
    os: str
    kernel: str
    power_mode: dict[str, str]
    governor: str | None
    emulated: bool
    emulation: str
    evidence: str


class SoftwareInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Versions, and the provider that really ran each part."""

    edge_sdk: str
    python: str
    numpy: str
    engines: dict[str, str]
    providers: dict[str, str]
    threads: int


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """One fresh process, in milliseconds.

    The pages of the bundle were dropped before it (where the kernel did so), those of Python and
    the engine's library were not.
    """

    import_ms: float
    open_ms: float
    first_ms: float


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of the process that answers; medians over the rounds.

    Attributes:
        imported: resident with the engine's library loaded and no bundle.
        opened: resident with the bundle open.
        resident: resident after the warm calls.
        peak: the largest resident size of the process.
        unique: what no other process shares (USS); None where the kernel does not tell.
        inputs: what the decoded samples take of all these.
        over_time: (seconds, resident bytes) over the warm calls of the first round.
    """

    imported: Estimate
    opened: Estimate
    resident: Estimate
    peak: Estimate
    unique: Estimate | None
    inputs: int
    over_time: tuple[tuple[float, int], ...]


class Energy(msgspec.Struct, frozen=True, kw_only=True):
    """What a sensor says a call costs, with all that it sees draws meanwhile.

    Attributes:
        joules: a call.
        watts: on average over the warm calls.
        sensor: which one.
        scope: what it sees.
    """

    joules: Estimate
    watts: Estimate
    sensor: str
    scope: str


class Disturbance(msgspec.Struct, frozen=True, kw_only=True):
    """What else went on during the warm calls; None is "not measured".

    Attributes:
        process: cores that this process kept busy (1.0 is one core).
        others: cores that other processes kept busy.
        stolen: cores that a hypervisor took away.
        preempted: how often the kernel interrupted a call for somebody else, per 100 calls.
        load: mean number of runnable processes over the minute before.
    """

    process: float
    others: float | None
    stolen: float | None
    preempted: float
    load: float


class Sensors(msgspec.Struct, frozen=True, kw_only=True):
    """Every sensor before and after; ``throttled`` None: nothing here tells.

    ``absent`` says of every kind of sensor that is not here why it is not.
    """

    before: tuple[Reading, ...]
    after: tuple[Reading, ...]
    throttled: bool | None
    throttled_by: tuple[str, ...]
    absent: dict[str, str]


class Layers(msgspec.Struct, frozen=True, kw_only=True):
    """The layers of one part as its engine runs them; ``times`` None: ``why`` it does not tell."""

    placement: Placement | None
    times: tuple[LayerTime, ...] | None
    why: str = ""


class ThermalPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch under load: seconds since its start, latency in it, sensors at its end."""

    seconds: float
    calls: int
    p50: float
    p99: float
    look: Look
    throttled: bool | None


class ProfileResult(msgspec.Struct, frozen=True, kw_only=True):
    """A profile.

    Attributes:
        date: when it began, ISO 8601, UTC.
        options: what was asked for.
        starts: one a round.
        cold: medians of ``starts``: ``import_ms``, ``open_ms``, ``first_ms``.
        stages: warm latency by stage; ``total`` is a whole call.
        within: what is in the time of a part's stage already: ``<stage>.inputs`` until the
            engine is called, ``<stage>.invoke`` the engine's own call, which its own tools time,
            ``<stage>.outputs`` after it. Empty where an older version measured.
        capture: by modality, what comes before a call where the source is a live one.
        cpu: processor time of a call over all threads, which others do not lengthen.
        throughput: calls a second, one after the other.
        not_measured: what is missing, and why.
    """

    schema: int = SCHEMA
    kind: Literal["profile"] = KIND
    date: str
    seconds: float
    bundle: BundleInfo
    device: DeviceInfo
    software: SoftwareInfo
    options: ProfileOptions
    inputs: InputsInfo
    starts: tuple[Start, ...]
    cold: dict[str, Estimate]
    stages: dict[str, Latency]
    within: dict[str, Latency] = {}
    cpu: Latency
    capture: dict[str, CaptureCost] = {}
    throughput: float
    memory: Memory
    disturbance: Disturbance
    sensors: Sensors
    looks: tuple[Look, ...]
    energy: Energy | None
    layers: dict[str, Layers]
    thermal: tuple[ThermalPoint, ...]
    not_measured: dict[str, str]


def result_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a result."""
    found: dict[str, Any] = msgspec.json.schema(ProfileResult)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def write_result(result: ProfileResult, path: Path) -> None:
    """Write a result as JSON, aside first.

    Raises:
        StorageError: the place cannot be written or is full.
    """
    write_document(result, path)


def read_result(path: str | Path) -> ProfileResult:
    """Read and check a result.

    Raises:
        DataError: there is no such file, it is no profile, or of a newer schema.
    """
    return read_document(path, KIND, ProfileResult, SCHEMA)


def decode_result(content: bytes, where: str) -> ProfileResult:
    """As :func:`read_result`, from the bytes of what is called ``where``."""
    return decode_document(content, where, KIND, ProfileResult, SCHEMA)
