"""The test tools. A new one is one more file, and one more line here."""

from __future__ import annotations

from shipway.test_tools.go import Go
from shipway.test_tools.junit import Junit
from shipway.test_tools.pytest import Pytest
from shipway.test_tools.tap import Tap
from shipway.test_tools.tool import FILES, Tool, ToolSettings

# By the name that a layer gives; the first one that recognizes a command is its tool.
TOOLS: dict[str, type[Tool]] = {
    "pytest": Pytest,
    "go": Go,
    "tap": Tap,
    "junit": Junit,
}
# The tool of a command that none of them recognizes.
ANY_COMMAND = "junit"


def known_tool(name: str) -> str:
    """The name, if there is such a tool.

    Raises:
        ValueError: There is none; with those that there are.
    """
    if name not in TOOLS:
        raise ValueError(f"must be one of {', '.join(TOOLS)}")
    return name


def recognize(settings: ToolSettings) -> str:
    """The name of the tool that a layer runs, where the layer names none."""
    names = (
        name
        for name, tool in TOOLS.items()
        if settings.keys <= tool.keys and tool.recognizes(settings.command)
    )
    return next(names, ANY_COMMAND)


def check_settings(name: str, settings: ToolSettings) -> None:
    """See that a layer's keys suit its tool and each other.

    Raises:
        ValueError: They do not; with what the tool needs.
    """
    tool = TOOLS[name]
    tool.check(settings)
    if not settings.keys <= tool.keys:
        others = [key for key in ("files", "junit") if key not in tool.keys]
        are, them = ("are", "them") if len(others) > 1 else ("is", "it")
        keys = " and ".join(others)
        raise ValueError(f"{keys} {are} for other tools: {name} runs without {them}")
    if (settings.files is None) == (FILES in settings.command):
        raise ValueError(f"files and {FILES} in the command belong together: give both or none")


def splitting_tools() -> list[str]:
    """The names of the tools that run parts of any suite of theirs."""
    return [name for name, tool in TOOLS.items() if tool.splits(ToolSettings(command=()))]
