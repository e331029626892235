"""The command line: one small file per command, imported when its command is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from ek100mqa import __version__
from ek100mqa.errors import Ek100Error

#: command -> (module with its `command`, line in the help)
COMMANDS = {
    "annotations": "Bring EPIC-KITCHENS-100's annotation files.",
    "build": "Build a config of the benchmark.",
    "clips": "Find clips' videos, extract their frames.",
    "demo": "Build the toy kitchen's benchmark and show three questions.",
    "scores": "Import recognisers' scores, list what is there.",
    "show": "Show questions, readable.",
    "verify": "Check a benchmark folder or a frame store; exit 1 on any problem.",
}


class _Commands(click.Group):
    """Subcommands that are imported only when called, so that --help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"ek100mqa.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Ek100Error as error:
            click.echo(f"Error: {error}", err=True)
        except OSError as error:
            click.echo(f"Error: {error.filename or name(ctx)}: {error.strerror or error}", err=True)
        sys.exit(2)


def name(ctx: click.Context) -> str:
    """The command that was called, for messages."""
    return ctx.invoked_subcommand or "ek100mqa"


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: ek100mqa demo",
)
@click.version_option(__version__, prog_name="ek100mqa")
def main() -> None:
    """EPIC-KITCHENS-100-MQA: build, check and read the video multiple-choice benchmark.

    \b
    ek100mqa annotations fetch
    ek100mqa scores import tim_features.pkl --model tim
    ek100mqa build --distractor tim --k 5
    """
