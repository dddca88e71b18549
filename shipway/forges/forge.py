"""Where changes to a protected branch are asked for: a forge's pull requests."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr

from shipway.errors import RefuseError, RetryError

# Their libraries are imported where they are used: a release to an open branch needs neither.
_TIMEOUT_SECONDS = 30


class Forge(BaseModel):
    """A GitHub, GitLab or Gitea project whose branch takes pull requests only."""

    kind: Literal["github", "gitlab", "gitea"] = Field(description="Which API it speaks.")
    api_url: str = Field(
        description="Address of the API.",
        examples=[
            "https://api.github.com",
            "https://gitlab.com",
            "https://gitea.example.org/api/v1",
        ],
    )
    project: str = Field(
        description="The project, such as acme/ops.", pattern=r"^[\w.-]+(/[\w.-]+)+$"
    )
    token: SecretStr = Field(description="A token that may open pull requests.")
    merge_patience_seconds: float = Field(
        default=3600, gt=0, description="How long a release waits for its pull request's merge."
    )

    poll_seconds: float = Field(
        default=5, gt=0, description="How often a release looks whether it was merged."
    )

    def open_request(self, branch: str, base: str, title: str, body: str) -> str:
        """Open a pull request, or find the one that is open; return its address for people.

        Args:
            branch: The branch to merge.
            base: The branch that takes it.
            title: One line.
            body: Markdown.

        Raises:
            RefuseError: The forge does not allow it, or does not know the project.
            RetryError: It cannot be reached.
        """
        if self.kind == "gitlab":
            return self._merge_request(branch, base, title, body)
        return self._pull_request(branch, base, title, body)

    def _pull_request(self, branch: str, base: str, title: str, body: str) -> str:
        from github import Auth, Github, GithubException

        # Gitea's API has the same requests and answers for pull requests.
        client = Github(
            base_url=self.api_url,
            auth=Auth.Token(self.token.get_secret_value()),
            timeout=_TIMEOUT_SECONDS,
            retry=None,
            user_agent="shipway",
        )
        with client, self._explained(GithubException, "status"):
            repository = client.get_repo(self.project, lazy=True)
            head = f"{self.project.split('/')[0]}:{branch}"
            for one in repository.get_pulls(state="open", base=base, head=head):
                # Gitea does not filter by head.
                if one.head.ref == branch:
                    return one.html_url
            return repository.create_pull(base, branch, title=title, body=body).html_url

    def _merge_request(self, branch: str, base: str, title: str, body: str) -> str:
        from gitlab import Gitlab
        from gitlab.exceptions import GitlabError

        token = self.token.get_secret_value()
        client = Gitlab(self.api_url, private_token=token, timeout=_TIMEOUT_SECONDS)
        with client, self._explained(GitlabError, "response_code"):
            requests = client.projects.get(self.project, lazy=True).mergerequests
            found = requests.list(
                state="opened", source_branch=branch, target_branch=base, get_all=True
            )
            fields = {"source_branch": branch, "target_branch": base}
            one = next(iter(found), None) or requests.create(
                {**fields, "title": title, "description": body, "remove_source_branch": True}
            )
            return str(one.attributes["web_url"])

    @contextmanager
    def _explained(self, kind: type[Exception], status: str) -> Generator[None]:
        """Errors of a forge's library, classified by what happens next."""
        from requests import RequestException

        where = f"{self.api_url} {self.project}"
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
