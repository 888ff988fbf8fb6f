"""``edge-sdk deploy``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from .output import emit_json, table
from .progress import StageProgress

if TYPE_CHECKING:
    from ..remote import Deployed
    from ..remote.folder import State


@click.command("deploy")
@click.argument("places", nargs=-1, metavar="[BUNDLE] ssh://[USER@]HOST[:PORT]/[FOLDER]")
@click.option("--rollback", is_flag=True, help="Return to the version before; takes no BUNDLE.")
@click.option("--list", "listed", is_flag=True, help="Say what is on the device; takes no BUNDLE.")
@click.option("--install", metavar="WHEEL|FOLDER|pip",
              help="Install edge-sdk there as well: from a wheel, from a folder of wheels (the "
              "device then needs no network), or from the index it is set up with.")  # fmt: skip
@click.option("--extra", "extras", multiple=True, metavar="NAME",
              help="With --install: an extra of edge-sdk beside those of the bundle's engines, "
              "such as 'speech'; repeatable.")  # fmt: skip
@click.option("--python", default="python3", show_default=True,
              help="The interpreter there that --install makes its environment with.")  # fmt: skip
@click.option("--edge-sdk", "edge_sdk", metavar="COMMAND",
              help="How edge-sdk is called there; default: what --install made, else 'edge-sdk' "
              "from the path.")  # fmt: skip
@click.option("--engine", default="all", show_default=True,
              help="The engine to verify with there; 'all': every installed one.")  # fmt: skip
@click.option("--keep", type=click.IntRange(min=1), default=3, show_default=True,
              help="Versions that stay there; the current and the previous do.")  # fmt: skip
@click.option("--then", metavar="COMMAND",
              help="Run there once the new version is current, such as the restart of a service; "
              "if it fails, the version before becomes current again.")  # fmt: skip
@click.option("--ssh", metavar="COMMAND",
              help="What to connect with, such as 'ssh -F my.conf'; default: $EDGE_SDK_SSH, or "
              "ssh.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    places: tuple[str, ...],
    rollback: bool,
    listed: bool,
    install: str | None,
    extras: tuple[str, ...],
    python: str,
    edge_sdk: str | None,
    engine: str,
    keep: int,
    then: str | None,
    ssh: str | None,
    as_json: bool,
) -> None:
    """Put BUNDLE on a device over ssh, verify it there, and make it the current version.

    The device holds its versions in FOLDER (default: edge-sdk in the home folder; an absolute
    path, or /~/PATH below home). Programs there open FOLDER/current/bundle.edge, which is the old
    version or the new one, never half of one. The new one must reproduce its golden values on the
    device first. A deployment that was cut off goes on when it is called again.
    """
    from ..bundle import Bundle
    from ..remote import DeployOptions, OpenSsh, deploy, parse_address, roll_back
    from ..remote.folder import DeviceFolder

    if rollback and listed:
        raise UsageError("--rollback and --list are two calls; give one of them.")
    wanted = 1 if rollback or listed else 2
    if len(places) != wanted:
        what = "an address alone" if wanted == 1 else "a bundle and an address"
        raise UsageError(f"Give {what}: ssh://[user@]host[:port]/[folder].")
    address = parse_address(places[-1])
    if extras and install is None:
        raise UsageError("--extra says what --install is to bring; give both.")
    options = DeployOptions(
        install=install,
        extras=extras,
        python=python,
        edge_sdk=edge_sdk,
        keep=keep,
        engine=engine,
        then=then,
    )
    bundle = Bundle.open(Path(places[0])) if wanted == 2 else None
    with OpenSsh(address, ssh) as transport:
        if listed:
            folder = DeviceFolder(transport, address.folder, make=False)
            state = folder.state()
            if as_json:
                emit_json({"device": transport.name, "folder": folder.path, **_plain(state)})
            else:
                click.echo(_list(state))
            return
        if bundle is None:
            result = roll_back(transport, address.folder, options)
        else:
            with StageProgress() as progress:
                result = deploy(bundle, transport, address.folder, options, progress=progress)
    if as_json:
        emit_json(result)
    else:
        click.echo(_show(result))


def _plain(state: State) -> dict[str, object]:
    return {"current": state.current, "previous": state.previous, "releases": state.releases}


def _list(state: State) -> str:
    marks = {state.current: "current", state.previous: "previous"}
    rows: list[tuple[str, ...]] = [("", "version", "model", "target", "MB", "since")]
    rows += [
        (marks.get(r.digest, ""), r.digest[:12], r.name, r.target, f"{r.size / 1e6:.2f}", r.date)
        for r in state.releases
    ]
    return table(rows) if state.releases else "no bundle has been deployed there yet"


def _show(result: Deployed) -> str:
    release = result.release
    engines = ", ".join(f"{name} {version}" for name, version in result.engines.items())
    checks = ", ".join(f"{count} with {name}" for name, count in result.checks.items())
    how = f"{result.sent / 1e6:.2f} MB sent" if result.sent else "nothing to send"
    before = result.previous[:12] if result.previous else "none"
    lines = [
        f"{release.name} {release.digest[:12]} is current on {result.device} ({how})",
        f"programs there open {result.path}",
        f"golden checks that hold there: {checks} ({engines})",
        f"previous version: {before}",
    ]
    if result.installed:
        lines.insert(0, "edge-sdk was installed there")
    if result.removed:
        lines.append(f"removed: {', '.join(digest[:12] for digest in result.removed)}")
    return "\n".join(lines)
