"""What a forge's module offers, and what all of them share."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, SecretStr

from shipway.errors import RefuseError, RetryError

TIMEOUT_SECONDS = 30
# A run that is cancelled waits for its last one.
STATUS_TIMEOUT_SECONDS = 10
# Of a status, as GitHub takes it; the others take more.
WORDS = 140

State = Literal["pending", "success", "failure", "error"]


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


class CommitStatus(BaseModel):
    """What a commit shows of a run.

    Attributes:
        commit: The full id of the commit.
        context: What it is about, such as `shipway/production`; a newer status takes the place of
            an older one of the same context.
        state: How it goes. An `error` says nothing of the commit: the run was cancelled, say.
        words: One line, of 140 characters at most.
        url: The run; None where it has no address.
    """

    model_config = ConfigDict(frozen=True)

    commit: str
    context: str
    state: State
    words: str
    url: str | None


class ForgeApi(Protocol):
    """A forge: a module with these functions is one."""

    def open_request(self, project: Project, request: PullRequest) -> str:
        """Open a pull request, or find the open one of its branch; return its address for people.

        Raises:
            RefuseError: The forge does not allow it, or does not know the project.
            RetryError: It cannot be reached.
        """
        ...

    def set_status(self, project: Project, status: CommitStatus) -> None:
        """Have a commit of the project show a status.

        Raises:
            RefuseError: The forge does not allow it, or does not know the project or the commit.
            RetryError: It cannot be reached.
        """
        ...


@contextmanager
def explained(project: Project, doing: str, kind: type[Exception], status: str) -> Generator[None]:
    """Errors of a forge's library, classified by what happens next.

    Args:
        project: What errors name.
        doing: What is asked for, such as `open pull requests`.
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
            f"The forge does not {doing}.",
            where=where,
            expected=f"a token that may {doing} in this project",
            got=str(error),
            untouched="the branch that the cluster follows",
            remedy="check kind, api_url, project and token of the Forge block",
        ) from error
    except RequestException as error:
        raise RetryError("The forge cannot be reached.", where=where, got=str(error)) from error
