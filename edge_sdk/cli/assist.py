"""``edge-sdk assist``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from ..files import state_folder
from .output import emit_json

if TYPE_CHECKING:
    from edge_sdk.runtimes.assistant import Assistant, AssistantConfig
    from edge_sdk.runtimes.assistant.events import AssistantEvent

_INSTALL = "install-service"


class _Command(click.Group):
    """``assist BUNDLE ...`` runs; ``assist install-service BUNDLE ...`` is the subcommand."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] != _INSTALL and args[0] not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What both commands take."""
    for option in reversed(
        [
            click.argument("bundle", type=click.Path(path_type=Path)),
            click.option("--mic", default="default", show_default=True,
                         help="A microphone of 'edge-sdk devices'; none: it says what it sees, "
                         "unasked."),
            click.option("--channels", type=click.IntRange(1, 8), default=1, show_default=True,
                         help="Channels of the microphone; their mean is heard, or what --array "
                         "makes."),
            click.option("--array", help="Where the channels' microphones are: line:4:0.05, "
                         "circle:4:0.032 or a file; it listens where the sound comes from."),
            click.option("--camera", help="A camera: a number, an address or a pipeline; "
                         "without it, or with none, the assistant is blind."),
            click.option("--speaker", default="default", show_default=True, help="A loudspeaker."),
            click.option("--config", "config_path", type=click.Path(path_type=Path),
                         help="An assistant.toml: components, skills, thresholds."),
            click.option("--policy", metavar="FILE",
                         help="A governor's policy (TOML) in place of the configuration's; "
                         "'none': no governor."),
            click.option("--ui", help="Serve the page at this loopback address, such as "
                         "127.0.0.1:8765."),
            click.option("--engine", default="auto", show_default=True,
                         help="The engine to run on."),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


@click.group("assist", cls=_Command)
def command() -> None:
    """Run the smart-speaker assistant on BUNDLE: edge-sdk assist BUNDLE [OPTIONS].

    It wakes, listens, looks, understands, answers and speaks, all on this device. See
    'edge-sdk assist run --help' for the options, and 'edge-sdk assist install-service --help'
    for a service.
    """


@command.command("run")
@_options
@click.option(
    "--replay",
    type=click.Path(path_type=Path),
    help="A recorded session instead of devices: a folder with audio.wav and video/.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="With --replay: the folder for events.jsonl, transcript.txt and what was said.",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    help="Keep sound, pictures and events in this new folder. Nothing is kept without.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="The file that keeps timers over a restart; default: in the user's state.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: the events.")
def run(
    bundle: Path,
    mic: str,
    channels: int,
    array: str | None,
    camera: str | None,
    speaker: str,
    config_path: Path | None,
    policy: str | None,
    ui: str | None,
    engine: str,
    replay: Path | None,
    out: Path | None,
    record: Path | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Run the assistant until Ctrl-C, or over a recorded session."""
    if (replay is None) != (out is None):
        raise UsageError("--replay and --out belong together: the session, and where answers go.")
    if replay is not None and (record is not None or ui is not None):
        raise UsageError("A replay has nothing to record and no page to serve.")

    if replay is None:
        _refuse_nothing(mic, camera)

    from edge_sdk.runtimes.assistant import load_config
    from edge_sdk.runtimes.session import FusionSession

    config = _governed(load_config(config_path), policy)
    tell = _teller(as_json)
    with FusionSession.open(bundle, engine=engine) as session:
        if replay is not None and out is not None:
            from edge_sdk.runtimes.assistant.replay import replay_session

            summary = replay_session(session, config, replay, out, array=array, listener=tell)
            if not as_json:
                click.echo(f"{summary.turns} turns in {summary.seconds:.1f} s of sound: {out}")
            return
        from edge_sdk.runtimes.assistant.live import Live, LiveOptions

        options = LiveOptions(
            microphone=None if mic == "none" else mic,
            channels=channels,
            array=array,
            camera=None if camera == "none" else camera,
            speaker=speaker,
            page=ui,
            record=record,
            state=state or state_folder() / "timers.json",
        )
        with Live(session, config, options) as live:
            live.assistant.listen(tell)
            if live.page is not None:
                click.echo(f"The page: {live.page.address}", err=True)
            if not as_json:
                click.echo(_ready(live.assistant, hears=mic != "none"), err=True)
            live.run()


@command.command(_INSTALL)
@_options
@click.option(
    "--system",
    is_flag=True,
    help="For the system's manager (a board without a user's session), as root.",
)
@click.option(
    "--run-as",
    metavar="USER",
    help="With --system: whom it runs as, with the groups audio and video; default: root.",
)
@click.option("--print", "only_print", is_flag=True, help="Print the unit, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")  # fmt: skip
def install_service(
    bundle: Path,
    mic: str,
    channels: int,
    array: str | None,
    camera: str | None,
    speaker: str,
    config_path: Path | None,
    policy: str | None,
    ui: str | None,
    engine: str,
    system: bool,
    run_as: str | None,
    only_print: bool,
    as_json: bool,
) -> None:
    """Write a systemd unit that runs the assistant, and say how to start it."""
    _refuse_nothing(mic, camera)
    if run_as is not None and not system:
        raise UsageError("--run-as belongs to --system: your own manager runs it as you.")
    from edge_sdk.runtimes.assistant import load_config, service

    from ..bundle import Bundle

    Bundle.open(bundle)
    _governed(load_config(config_path), policy)
    arguments = [str(_program()), "assist", str(bundle.absolute()), "--json", "--mic", mic]
    arguments += ["--speaker", speaker, "--channels", str(channels), "--engine", engine]
    for option, value in (("--camera", camera), ("--array", _absolute(array)), ("--ui", ui)):
        arguments += [option, value] if value is not None else []
    arguments += ["--config", str(config_path.absolute())] if config_path is not None else []
    if policy is not None:
        arguments += ["--policy", policy if policy == "none" else str(Path(policy).absolute())]
    network = camera is not None and "://" in camera
    text = service.unit(arguments, page=ui is not None, system=system, user=run_as, network=network)
    if only_print:
        click.echo(text, nl=False)
        return
    path = service.unit_path(system=system)
    service.install(text, path)
    manager = "systemctl" if system else "systemctl --user"
    start = f"{manager} daemon-reload && {manager} enable --now {service.NAME}"
    if as_json:
        emit_json({"unit": str(path), "start": start})
        return
    click.echo(f"Written: {path}\nStart it with: {start}")
    if not system:
        click.echo("It runs while you are logged in; from boot on: loginctl enable-linger")
    elif run_as is None:
        click.echo("It runs as root; --run-as USER makes it run as somebody with fewer rights.")
    if network:
        click.echo("It keeps the network, which the camera is reached over.")
    click.echo(f"Its log: journalctl {'' if system else '--user '}-u {service.NAME} -f")


def _absolute(array: str | None) -> str | None:
    """A file by its whole path: a service runs elsewhere."""
    return str(Path(array).absolute()) if array is not None and Path(array).exists() else array


def _refuse_nothing(mic: str, camera: str | None) -> None:
    if mic == "none" and camera in (None, "none"):
        raise UsageError(
            "Without a microphone there must be a camera (--camera): there is nothing to answer to."
        )


def _governed(config: AssistantConfig, policy: str | None) -> AssistantConfig:
    """The configuration with the policy that was asked for."""
    if policy is None:
        return config
    import msgspec

    from edge_sdk.runtimes.governor import read_policy

    given = "none" if policy == "none" else read_policy(policy)
    return msgspec.structs.replace(config, governor=given)


def _teller(as_json: bool) -> Callable[[AssistantEvent], None]:
    from edge_sdk.runtimes.assistant.events import plain
    from edge_sdk.runtimes.assistant.telling import line

    def tell(event: AssistantEvent) -> None:
        if as_json:
            click.echo(json.dumps(plain(event)))
            sys.stdout.flush()
            return
        said = line(event)
        if said is not None:
            click.echo(f"{event.time:10.2f}  {said}")

    return tell


def _ready(assistant: Assistant, *, hears: bool) -> str:
    if not hears:
        return "Hold something in front of the camera; Ctrl-C ends."
    what = "Speak" if assistant.phrase is None else f"Say {assistant.phrase!r}"
    return f"{what}; Ctrl-C ends."


def _program() -> Path:
    """This command, as a service can call it."""
    called = Path(sys.argv[0])
    if called.name == "edge-sdk" and called.exists():
        return called.absolute()
    beside = Path(sys.executable).parent / "edge-sdk"
    if beside.exists():
        return beside
    raise UsageError(f"The command edge-sdk is not beside {sys.executable}; install the package.")
