"""What a forge's module offers, and what all of them share."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, SecretStr

from shipway.errors import RefuseError, RetryError

TIMEOUT_SECONDS = 30


class Project(BaseModel):
    """A project on a forge, and how to get in."""

    model_config = ConfigDict(frozen=True)

    api_url: str
    path: str
    token: SecretStr


class PullRequest(BaseModel):
    """What is asked for.

    Attributes:
        branch: The branch to merge.
        base: The branch that takes it.
        title: One line.
        body: Markdown.
    """

    model_config = ConfigDict(frozen=True)

    branch: str
    base: str
    title: str
    body: str


class ForgeApi(Protocol):
    """A forge: a module with this function is one."""

    def open_request(self, project: Project, request: PullRequest) -> str:
        """Open a pull request, or find the open one of its branch; return its address for people.

        Raises:
            RefuseError: The forge does not allow it, or does not know the project.
            RetryError: It cannot be reached.
        """
        ...


@contextmanager
def explained(project: Project, kind: type[Exception], status: str) -> Generator[None]:
    """Errors of a forge's library, classified by what happens next.

    Args:
        project: What errors name.
        kind: The library's own errors.
        status: Their attribute that has the HTTP status.

    Raises:
        RefuseError: The forge understood the request and does not allow it.
        RetryError: It fails, or cannot be reached.
    """
    from requests import RequestException

    where = f"{project.api_url} {project.path}"
    try:
        yield
    except kind as error:
        code: Any = getattr(error, status)
        if code is None or code >= 500 or code == 429:
            raise RetryError("The forge fails.", where=where, got=str(error)) from error
        raise RefuseError(
            "The forge does not open the pull request.",
            where=where,
            expected="a token that may open pull requests of this project",
            got=str(error),
            untouched="the branch that the cluster follows",
            remedy="check kind, api_url, project and token of the Forge block",
        ) from error
    except RequestException as error:
        raise RetryError("The forge cannot be reached.", where=where, got=str(error)) from error
