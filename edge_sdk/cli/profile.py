"""``edge-sdk profile``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from ..files import check_writable
from .output import check_report, emit_json, table
from .progress import StageProgress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_sdk.benchmarks.profile import ProfileResult
    from edge_sdk.runtimes.engines.layer_times import LayerTime


@click.command("profile")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--part", help="Measure this part alone: an encoder with its front-end, or the head.")
@click.option("--engine", default="auto", show_default=True, help="The engine to run on.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the engine.")
@click.option("--samples", type=click.Path(path_type=Path),
              help="A sample set to measure on; default: the bundle's golden samples.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True,
              help="Fresh processes, each with a cold load and warm calls.")  # fmt: skip
@click.option("--calls", type=click.IntRange(min=10), default=100, show_default=True,
              help="Warm calls a round.")  # fmt: skip
@click.option(
    "--back-to-back",
    is_flag=True,
    help="With --part: without its front-end, call upon call, as engines' own tools do.",
)
@click.option("--layers", is_flag=True, help="Also measure every layer.")
@click.option("--thermal", type=click.FloatRange(min=0), default=0.0, metavar="MINUTES",
              help="Also run under full load for so long.")  # fmt: skip
@click.option("--cache", type=click.Path(path_type=Path),
              help="Where compiled TensorRT engines lie.")  # fmt: skip
@click.option("--device", metavar="ssh://[USER@]HOST[:PORT]/[FOLDER]",
              help="Measure on this device, as 'edge-sdk deploy' reaches it.")  # fmt: skip
@click.option("--install", metavar="WHEEL|FOLDER|pip",
              help="With --device: install edge-sdk there first.")  # fmt: skip
@click.option("--edge-sdk", "edge_sdk", metavar="COMMAND",
              help="With --device: how edge-sdk is called there.")  # fmt: skip
@click.option("--ssh", metavar="COMMAND", help="With --device: what to connect with.")
@click.option("--json", "json_path", type=click.Path(path_type=Path),
              help="The result to write; '-': print it.")  # fmt: skip
@click.option("--html", type=click.Path(path_type=Path), help="The page to write.")
def command(
    bundle: Path,
    part: str | None,
    engine: str,
    threads: int | None,
    samples: Path | None,
    rounds: int,
    calls: int,
    back_to_back: bool,
    layers: bool,
    thermal: float,
    cache: Path | None,
    device: str | None,
    install: str | None,
    edge_sdk: str | None,
    ssh: str | None,
    json_path: Path | None,
    html: Path | None,
) -> None:
    """Measure BUNDLE: stages, cold and warm, memory, sensors, layers.

    On this machine; with --device, on that one: what is current there stays so, the bundle is put
    beside it, and --cache is a path there.
    """
    from edge_sdk.benchmarks.profile import ProfileOptions, profile, write_result

    # What would fail at the end fails now.
    printed = json_path == Path("-")
    for path in (None if printed else json_path, html):
        if path is not None:
            check_writable(path)
    if html is not None:
        check_report()
    if device is None and (install or edge_sdk or ssh):
        raise UsageError("--install, --edge-sdk and --ssh are for another device; give --device.")
    options = ProfileOptions(
        part=part,
        engine=engine,
        threads=threads,
        samples=str(samples) if samples is not None else None,
        rounds=rounds,
        calls=calls,
        back_to_back=back_to_back,
        layers=layers,
        thermal_minutes=thermal,
        cache=str(cache) if cache is not None else None,
    )
    with StageProgress() as progress:
        if device is None:
            result = profile(bundle, options, progress=progress)
        else:
            from edge_sdk.benchmarks.profile.remote import profile_on

            from ..bundle import Bundle
            from ..remote import DeployOptions, OpenSsh, parse_address

            address = parse_address(device)
            way = DeployOptions(install=install, edge_sdk=edge_sdk)
            with OpenSsh(address, ssh) as transport:
                result = profile_on(
                    Bundle.open(bundle), transport, address.folder, options, way, progress=progress
                )
    if json_path is not None and not printed:
        write_result(result, json_path)
    if html is not None:
        from edge_sdk.benchmarks.profile.page import write_page

        write_page(result, html)
    if printed:
        emit_json(result)
    else:
        click.echo(show(result))


def show(result: ProfileResult) -> str:
    """The result for a terminal."""
    from edge_sdk.benchmarks.profile.page import MISSING, interval, where, within_stages

    total, memory, around = result.stages["total"], result.memory, result.disturbance
    rows: list[tuple[str, ...]] = [("stage", "p50 ms", "95% interval", "p90", "p95", "p99", "max")]
    for name, s in {**result.stages, "processor time": result.cpu}.items():
        numbers = (s.p90.value, s.p95.value, s.p99.value, s.max)
        rows.append((name, f"{s.p50.value:.3f}", interval(s.p50), *(f"{n:.3f}" for n in numbers)))
    cold = ", ".join(
        f"{what} {result.cold[name].value:.1f}"
        for what, name in (
            ("libraries", "import_ms"), ("bundle", "open_ms"), ("first answer", "first_ms"),
        )
    )  # fmt: skip
    unique = f"{memory.unique.value / 1e6:.1f} unique" if memory.unique else f"unique {MISSING}"
    others = f"{around.others:.2f}" if around.others is not None else MISSING
    lines = [
        f"{result.bundle.name} ({result.bundle.edition}) on {where(result)}"
        + (f"; EMULATED ({result.device.emulation})" if result.device.emulated else ""),
        f"{total.calls} warm calls in {len(total.rounds)} processes, on {result.inputs.samples} "
        f"samples ({result.inputs.source}); {result.software.threads} thread(s)"
        + ("; back to back" if result.options.back_to_back else ""),
        "",
        table(rows),
        "",
        f"cold, milliseconds: {cold}",
        f"throughput: {result.throughput:.1f} calls a second",
        f"memory, MB: {memory.peak.value / 1e6:.1f} peak, {memory.resident.value / 1e6:.1f} "
        f"resident, {unique}",
        f"processor: {around.process:.2f} cores; others {others} cores",
        f"noise: the processes' medians lie {total.noise:.0%} apart",
        "throttled: " + {None: MISSING, True: "yes", False: "no"}[result.sensors.throttled],
    ]
    lines += [
        f"within {stage}, p50 ms: "
        + ", ".join(f"{what} {one.p50.value:.3f}" for what, one in parts.items())
        for stage, parts in within_stages(result).items()
    ]
    lines += [
        f"capture of {name}: {one.capture.p50.value:.3f} ms a {one.unit}, front-end "
        f"{one.frontend.p50.value:.3f} ms"
        + (f"; {one.core:.2%} of one core" if one.core is not None else "")
        for name, one in result.capture.items()
    ]
    if result.energy is not None:
        lines.append(f"energy: {result.energy.joules.value * 1e3:.3g} mJ a call "
                     f"({result.energy.scope})")  # fmt: skip
    for part, found in result.layers.items():
        lines += ["", *_layers(part, found.times or ())]
    if result.thermal:
        first, last = result.thermal[0], result.thermal[-1]
        lines.append(
            f"under load: p50 {first.p50:.3f} ms at first, {last.p50:.3f} ms after "
            f"{last.seconds / 60:.1f} min"
        )
    lines += ["", *(f"{MISSING}: {what}: {why}" for what, why in result.not_measured.items())]
    return "\n".join(lines)


def _layers(part: str, times: Sequence[LayerTime]) -> list[str]:
    from edge_sdk.runtimes.engines.layer_times import by_operator

    if not times:
        return []
    rows: list[tuple[str, ...]] = [(f"layer of {part}", "operator", "on", "us", "share")]
    for layer in times[:8]:
        rows.append((layer.name[-48:], layer.operator, layer.provider, f"{layer.median_us:.1f}",
                     f"{layer.share:.1%}"))  # fmt: skip
    kinds = ", ".join(f"{one.layers} {one.operator} {one.share:.0%}"
                      for one in by_operator(times)[:4])  # fmt: skip
    return [table(rows), f"of all {len(times)} layers: {kinds}"]
