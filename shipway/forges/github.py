"""GitHub's pull requests and commit statuses."""

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
    explained,
)

if TYPE_CHECKING:
    from github import Github


def open_request(project: Project, request: PullRequest) -> str:
    """Open a pull request, or find the open one of its branch; return its address for people."""
    with _client(project, "open pull requests", TIMEOUT_SECONDS) as client:
        repository = client.get_repo(project.path, lazy=True)
        owner = project.path.split("/")[0]
        head = f"{owner}:{request.branch}"
        for pull in repository.get_pulls(state="open", base=request.base, head=head):
            # Gitea does not filter by head.
            if pull.head.ref == request.branch:
                return pull.html_url
        return repository.create_pull(
            request.base, request.branch, title=request.title, body=request.body
        ).html_url


def set_status(project: Project, status: CommitStatus) -> None:
    """Have a commit show a status."""
    said = {"state": status.state, "context": status.context, "description": status.words}
    if status.url:
        said["target_url"] = status.url
    with _client(project, "set commit statuses", STATUS_TIMEOUT_SECONDS) as client:
        # The library's own method reads the commit first, at an address that Gitea does not have.
        address = f"/repos/{project.path}/statuses/{status.commit}"
        client.requester.requestJsonAndCheck("POST", address, input=said)


@contextmanager
def _client(project: Project, doing: str, timeout_seconds: int) -> Generator[Github]:
    """The library, with errors that say what they mean."""
    # A release that asks no forge does without it.
    from github import Auth, Github, GithubException

    client = Github(
        base_url=project.api_url,
        auth=Auth.Token(project.token.get_secret_value()),
        timeout=timeout_seconds,
        retry=None,
        user_agent="shipway",
    )
    with client, explained(project, doing, GithubException, "status"):
        yield client
