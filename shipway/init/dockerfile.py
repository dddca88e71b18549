"""The stages of a Dockerfile, and what they say of the image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import takewhile
from operator import ne

from pydantic import BaseModel, ConfigDict

_SHIPS = ("runtime", "production", "prod", "release", "final")
_FROM = re.compile(r"(?:--\S+\s+)*(?P<base>\S+)(?:\s+as\s+(?P<name>\S+))?", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?[\"']?(\w+)")
_VARIABLE = re.compile(r"\$\{?(\w+)(?::-([^}]*))?\}?")
_PATH = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\w+)?(/[\w./-]*)")


class Instruction(BaseModel):
    """One instruction, such as RUN, and what follows it."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: str


class Stage(BaseModel):
    """A stage, with all that it inherits from the stages that it is built on.

    Attributes:
        name: As `--target` takes it: of one without a name, its number.
        named: Whether it has a name.
        base: The image that it begins with.
        instructions: Its own, after those of the stages before it.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    named: bool
    base: str
    instructions: tuple[Instruction, ...]

    @property
    def is_for_tests(self) -> bool:
        """Whether its name says so."""
        return self.named and "test" in self.name.lower()

    @property
    def text(self) -> str:
        """Base and instructions, to be searched."""
        return "\n".join([self.base, *(f"{each.name} {each.value}" for each in self.instructions)])

    @property
    def port(self) -> int | None:
        """The first port that it exposes last."""
        exposed = self._last("EXPOSE")
        found = re.match(r"\d+", expand(exposed, self._variables()))
        return int(found[0]) if found else None

    @property
    def probed_path(self) -> str | None:
        """The path that its HEALTHCHECK asks for."""
        found = _PATH.search(self._last("HEALTHCHECK"))
        return found[1] if found else None

    @property
    def has_plain_user(self) -> bool:
        """Whether it runs as a user that Kubernetes can tell from root: one with a number."""
        user = expand(self._last("USER"), self._variables()).partition(":")[0]
        return user.isdigit() and int(user) != 0

    def copies(self, folder: str) -> bool:
        """Whether it has a folder of the app in it, by itself or with all the rest."""
        sources = [
            source.strip("\"'[],").removeprefix("./").rstrip("/")
            for each in self.instructions
            if each.name in {"ADD", "COPY"} and "--from" not in each.value
            for source in each.value.split()[:-1]
        ]
        return bool({"", ".", "*", folder, folder.partition("/")[0]}.intersection(sources))

    def _last(self, name: str) -> str:
        values = (each.value for each in reversed(self.instructions) if each.name == name)
        return next(values, "")

    def _variables(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for each in self.instructions:
            if each.name in {"ARG", "ENV"}:
                found |= dict(re.findall(r"(\w+)[= ]\"?([^\s\"]*)", each.value))
        return found


def read_stages(text: str) -> tuple[Stage, ...]:
    """The stages of a Dockerfile, in their order."""
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for each in _instructions(text):
        if each.name == "FROM":
            stages.append(_begin(expand(each.value, arguments), stages))
        elif stages:
            own = (*stages[-1].instructions, each)
            stages[-1] = stages[-1].model_copy(update={"instructions": own})
        elif each.name == "ARG":
            name, _, value = each.value.partition("=")
            arguments[name] = value.strip("\"'")
    return tuple(stages)


def shipped_stage(stages: Sequence[Stage]) -> Stage:
    """The stage that ships: the one whose name says so, or the last one that is not for tests."""
    others = [stage for stage in stages if not stage.is_for_tests] or stages
    by_name = {stage.name.lower(): stage for stage in others}
    return next((by_name[name] for name in _SHIPS if name in by_name), others[-1])


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Text with the values of its variables; one that is not known stays."""

    def value(found: re.Match[str]) -> str:
        return variables.get(found[1]) or found[2] or found[0]

    return _VARIABLE.sub(value, text)


def _begin(value: str, before: Sequence[Stage]) -> Stage:
    found = _FROM.match(value)
    base, name = (found["base"], found["name"]) if found else (value, None)
    parent = next((stage for stage in reversed(before) if stage.name == base), None)
    return Stage(
        name=name or str(len(before)),
        named=name is not None,
        base=parent.base if parent else base,
        instructions=parent.instructions if parent else (),
    )


def _instructions(text: str) -> Iterator[Instruction]:
    lines = iter(text.splitlines())
    for line in lines:
        whole = line.strip()
        if not whole or whole.startswith("#"):
            continue
        while whole.endswith("\\"):
            following = next(lines, "").strip()
            whole = whole if following.startswith("#") else f"{whole[:-1]} {following}"
        if document := _HEREDOC.search(whole):
            whole = "\n".join([whole, *takewhile(partial(ne, document[1]), lines)])
        name, _, value = whole.partition(" ")
        yield Instruction(name=name.upper(), value=value.strip())
