"""The command line: one module a command, imported only when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from ..errors import EdgeError
from .output import emit_error, unforeseen

# Name -> one line of help, so that listing the commands imports none of them.
_COMMANDS = {
    "assist": "Run the smart-speaker assistant: wake, listen, look, understand, answer, speak.",
    "build": "Compile a bundle's TensorRT engines, on the device that runs them.",
    "compare": "Compare two profiles, or two bundles in one run; a verdict for each metric.",
    "convert": "Convert a checkpoint into a verified bundle for a target.",
    "deploy": "Put a bundle on a device over ssh, verified there, the old one kept.",
    "devices": "List microphones and cameras; show a level, take a picture.",
    "doctor": "Say what works on this machine, and what mends the rest.",
    "evaluate": "Answer on a sample set and score the answers, on this machine.",
    "infer": "Answer from a recording, a picture and text, or any of them.",
    "inspect": "Say what is in a bundle.",
    "profile": "Measure a bundle on this machine, or on a device over ssh.",
    "prune": "Remove channels from a checkpoint, and recover its accuracy.",
    "sensitivity": "Say which layer of a model costs what in int8.",
    "soak": "Stream on injected sound for a while; fail on growth and on untold losses.",
    "stream": "Answer live from a microphone and a camera, or from recordings.",
    "targets": "List the target profiles.",
    "verify": "Check a bundle's files and its golden outputs on this machine.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f".{cmd_name}", __package__).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"edge-sdk {version('edge-sdk')}")
        ctx.exit()


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version,
    help="Print the version and exit.",
)  # fmt: skip
def cli() -> None:
    """Take a trained audio + camera + text fusion model to edge devices."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; a user's mistake is one sentence and an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(words))


def _run(words: list[str]) -> int:
    as_json = "--json" in words
    try:
        result = cli.main(args=words, prog_name="edge-sdk", standalone_mode=False)
    except EdgeError as error:
        emit_error(error.kind, str(error), error.exit_code, as_json=as_json)
        return error.exit_code
    except click.ClickException as error:
        hint = f" Try 'edge-sdk {words[0]} --help'." if words and words[0] in _COMMANDS else ""
        emit_error("usage", error.format_message() + hint, error.exit_code, as_json=as_json)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone: nothing is left to say, not even at exit.
        sys.stdout = None
        return 141
    except (OSError, MemoryError) as error:
        # Met while reading: what is written has errors of its own.
        emit_error(*unforeseen(error), 1, as_json=as_json)
        return 1
    return result if isinstance(result, int) else 0
