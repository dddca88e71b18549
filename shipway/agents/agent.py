"""An agent that is not Shipway's: its keys in rollout.yaml, and what its objects say."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model, model_validator

from shipway.documents.document import Strict
from shipway.parameters import Name

Object = dict[str, Any]

ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]

_COMMIT = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])")


class ObjectRef(NamedTuple):
    """An object in which an agent is told what to apply."""

    group: str
    kind: str
    name: str
    namespace: str

    @property
    def address(self) -> str:
        """The object, for people."""
        return f"{self.kind}/{self.name} in namespace {self.namespace}"

    def merge(self, patch: str) -> str:
        """The command that merges a patch into the object."""
        resource = f"{self.kind.lower()}.{self.group}"
        return f"kubectl patch {resource} {self.name} -n {self.namespace} --type merge -p '{patch}'"


class Fault(BaseModel):
    """What keeps an agent from applying.

    Attributes:
        words: Its own.
        remedy: What a person may do about it.
        may_pass: Whether it may go away by itself, such as a server that does not answer.
        commits: The commits that it is about; whatever comes next if empty.
        of_version: Whether the version may be at fault, so that another one is the way out.
    """

    model_config = ConfigDict(frozen=True)

    words: str
    remedy: str
    may_pass: bool = False
    commits: tuple[str, ...] = ()
    of_version: bool = False


class AgentState(BaseModel):
    """What an agent's objects say.

    Attributes:
        title: What applies the folder, for people.
        suspended: That somebody has stopped it, if so.
        faults: What keeps it from applying.
        applied: The commits that it says to have applied, in full.
        warnings: What people should know, and what stops nothing.
    """

    model_config = ConfigDict(frozen=True)

    title: str
    suspended: Fault | None = None
    faults: tuple[Fault, ...] = ()
    applied: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def commits(self) -> set[str]:
        """The commits that it says anything about."""
        return {*self.applied, *(commit for fault in self.faults for commit in fault.commits)}


class AgentSettings(Strict, ABC):
    """The keys of one kind of agent: the objects in which it is told to apply the folder.

    Attributes:
        nudge: The annotation that has the agent look at Git at once, when it gets another value;
            None where it has no such.
        managers: The names under which it writes fields of what it applies.
        hooks: Annotations of what it makes for a while, and takes away again.
    """

    nudge: ClassVar[str | None] = None
    managers: ClassVar[frozenset[str]] = frozenset()
    hooks: ClassVar[frozenset[str]] = frozenset()

    cluster: Name | None = Field(
        default=None,
        description="Name of the Cluster block of the cluster that these objects are in; the "
        "app's own if not given.",
    )

    @property
    @abstractmethod
    def objects(self) -> tuple[ObjectRef, ...]:
        """The objects; the first one is what applies the folder."""

    def sources(self, _body: Object, /) -> tuple[ObjectRef, ...]:
        """The objects that one of them takes the commits from."""
        return ()

    @abstractmethod
    def state(self, bodies: Mapping[ObjectRef, Object]) -> AgentState:
        """What the objects say, as the API server has them. Pure."""

    @classmethod
    @abstractmethod
    def applier(cls, body: Object) -> str | None:
        """Which agent of this kind says on an object that it applies it, as `titles` has it."""

    @property
    @abstractmethod
    def titles(self) -> frozenset[str]:
        """What this agent is called on the objects that it applies."""


class ExternalAgent(Strict):
    """What applies a folder instead of Shipway.

    The model of a file has a key for each kind: see `model_with`.
    """

    @property
    def settings(self) -> AgentSettings:
        """The settings of the agent's kind."""
        return self._given()[0]

    def _given(self) -> list[AgentSettings]:
        return [value for _, value in self if isinstance(value, AgentSettings)]

    @model_validator(mode="after")
    def _has_one_kind(self) -> Self:
        if len(self._given()) != 1:
            raise ValueError(f"exactly one of {', '.join(type(self).model_fields)}")
        return self


@lru_cache
def model_with(kinds: tuple[tuple[str, type[AgentSettings]], ...]) -> type[ExternalAgent]:
    """`ExternalAgent` with an optional key for the settings of each kind.

    Args:
        kinds: Key and settings of each.
    """
    fields: dict[str, Any] = {
        key: (settings | None, Field(default=None, description=settings.__doc__))
        for key, settings in kinds
    }
    return create_model("ExternalAgent", __base__=ExternalAgent, **fields)


def commits_in(*texts: str | None) -> tuple[str, ...]:
    """The full commit ids in what agents say, such as main@sha1:…, in their order."""
    return tuple(commit for text in texts for commit in _COMMIT.findall(text or ""))


def is_going(body: Object, ref: ObjectRef) -> Fault | None:
    """The fault of an object that is being deleted: what it has applied may go with it."""
    if "deletionTimestamp" not in body["metadata"]:
        return None
    return Fault(words=f"{ref.address} is being deleted", remedy="see who deletes it, and why")


def is_denied(words: str) -> bool:
    """Whether these are the API server's words for what admission does not let in."""
    return "denied the request" in words
