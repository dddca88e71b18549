"""GitLab's merge requests and commit statuses."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shipway.forges.api import (
    STATUS_TIMEOUT_SECONDS,
    TIMEOUT_SECONDS,
    CommitStatus,
    Project,
    PullRequest,
    State,
    explained,
)

if TYPE_CHECKING:
    from gitlab.v4.objects import Project as GitlabProject

_STATES: dict[State, str] = {
    "pending": "running",
    "success": "success",
    "failure": "failed",
    "error": "canceled",
}


def open_request(project: Project, request: PullRequest) -> str:
    """Open a merge request, or find the open one of its branch; return its address for people."""
    with _client(project, "open merge requests", TIMEOUT_SECONDS) as found:
        branches = {"source_branch": request.branch, "target_branch": request.base}
        opened = found.mergerequests.list(
            state="opened",
            source_branch=request.branch,
            target_branch=request.base,
            get_all=True,
        )
        text = {"title": request.title, "description": request.body}
        merge_request = next(iter(opened), None) or found.mergerequests.create(
            {**branches, **text, "remove_source_branch": True}
        )
        return str(merge_request.attributes["web_url"])


def set_status(project: Project, status: CommitStatus) -> None:
    """Have a commit show a status."""
    from gitlab.exceptions import GitlabError

    said = {
        "state": _STATES[status.state],
        "name": status.context,
        "description": status.words,
    }
    if status.url:
        said["target_url"] = status.url
    with _client(project, "set commit statuses", STATUS_TIMEOUT_SECONDS) as found:
        try:
            found.commits.get(status.commit, lazy=True).statuses.create(said)
        except GitlabError as error:
            # It is running already, by a run that was killed, or by another one at once.
            if status.state != "pending" or "Cannot transition status" not in str(error):
                raise


@contextmanager
def _client(project: Project, doing: str, timeout_seconds: int) -> Generator[GitlabProject]:
    """The project, with errors that say what they mean."""
    # A release that asks no forge does without the library.
    from gitlab import Gitlab
    from gitlab.exceptions import GitlabError

    token = project.token.get_secret_value()
    client = Gitlab(project.api_url, private_token=token, timeout=timeout_seconds)
    with client, explained(project, doing, GitlabError, "response_code"):
        yield client.projects.get(project.path, lazy=True)
