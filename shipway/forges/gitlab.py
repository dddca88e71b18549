"""GitLab's merge requests."""

from __future__ import annotations

from shipway.forges.api import TIMEOUT_SECONDS, Project, PullRequest, explained


def open_request(project: Project, request: PullRequest) -> str:
    """Open a merge request, or find the open one of its branch; return its address for people."""
    # A release to an open branch does without the library.
    from gitlab import Gitlab
    from gitlab.exceptions import GitlabError

    token = project.token.get_secret_value()
    client = Gitlab(project.api_url, private_token=token, timeout=TIMEOUT_SECONDS)
    with client, explained(project, GitlabError, "response_code"):
        merge_requests = client.projects.get(project.path, lazy=True).mergerequests
        branches = {"source_branch": request.branch, "target_branch": request.base}
        opened = merge_requests.list(
            state="opened",
            source_branch=request.branch,
            target_branch=request.base,
            get_all=True,
        )
        text = {"title": request.title, "description": request.body}
        merge_request = next(iter(opened), None) or merge_requests.create(
            {**branches, **text, "remove_source_branch": True}
        )
        return str(merge_request.attributes["web_url"])
