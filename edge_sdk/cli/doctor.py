"""``edge-sdk doctor``."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import SOME_FAILED
from .output import emit_json


@click.command("doctor")
@click.argument("bundle", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(bundle: Path | None, as_json: bool) -> None:
    """Say what works on this machine, what does not, and what mends it; with BUNDLE, its editions.

    The exit code is 0 where nothing is bad; what is merely absent does not count.
    """
    from edge_sdk.runtimes.doctor import examine

    from ..bundle import Bundle

    findings = examine(Bundle.open(bundle) if bundle is not None else None)
    bad = any(finding.state == "bad" for finding in findings)
    if as_json:
        emit_json({"ok": not bad, "findings": findings})
    else:
        width = max(len(finding.subject) for finding in findings)
        marks = {"ok": "ok", "absent": "--", "bad": "!!"}
        for finding in findings:
            mark = marks[finding.state]
            click.echo(f"{mark}  {finding.subject.ljust(width)}  {finding.detail}")
            if finding.mend:
                click.echo(f"    {' ' * width}  mend: {finding.mend}")
    if bad:
        raise click.exceptions.Exit(SOME_FAILED)
