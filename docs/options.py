"""docs/reference/options.md, from the command's code: `make reference`."""

from __future__ import annotations

from pathlib import Path

from shipway.cli.main import app

PAGE = Path(__file__).parent / "reference" / "options.md"
HEAD = """\
# Every option of shipway

From the code, by `make reference`. [The command](command.md) says what each does.

"""


def options() -> str:
    """The page: how each command is called, with its arguments, options and defaults."""
    whole = app.generate_docs()
    # What comes before the first command is a list of them. The last one is Cyclopts' own.
    commands = whole[whole.index("## shipway ") : whole.index("## shipway --install-completion")]
    # A synopsis is nothing to paste.
    return HEAD + commands.replace("```console", "```text").rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(options(), "utf-8")
