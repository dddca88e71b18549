"""GitHub's pull requests."""

from __future__ import annotations

from shipway.forges.api import TIMEOUT_SECONDS, Project, PullRequest, explained


def open_request(project: Project, request: PullRequest) -> str:
    """Open a pull request, or find the open one of its branch; return its address for people."""
    # A release to an open branch does without the library.
    from github import Auth, Github, GithubException

    client = Github(
        base_url=project.api_url,
        auth=Auth.Token(project.token.get_secret_value()),
        timeout=TIMEOUT_SECONDS,
        retry=None,
        user_agent="shipway",
    )
    with client, explained(project, GithubException, "status"):
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
