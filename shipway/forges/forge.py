"""A project on a forge: its pull requests, and the statuses of its commits."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic.config import JsonDict

from shipway.forges.api import CommitStatus, Project, PullRequest
from shipway.forges.registry import FORGES


def _offer_known(schema: JsonDict) -> None:
    """The names that a form offers."""
    schema["enum"] = [*FORGES]


class Forge(BaseModel):
    """A project on a forge, as an ops repository or a source repository needs it."""

    kind: str = Field(
        description="Which API it speaks, such as github.", json_schema_extra=_offer_known
    )
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
    token: SecretStr = Field(
        description="A token that may open pull requests, or set commit statuses."
    )
    merge_timeout_seconds: float = Field(
        default=3600, gt=0, description="How long a release waits for its pull request's merge."
    )
    poll_seconds: float = Field(
        default=5, gt=0, description="How often a release looks whether it was merged."
    )

    @field_validator("kind")
    @classmethod
    def _is_known(cls, kind: str) -> str:
        if kind not in FORGES:
            raise ValueError(f"expected one of {', '.join(FORGES)}")
        return kind

    def open_request(self, request: PullRequest) -> str:
        """Open a pull request, or find the open one of its branch; return its address for people.

        Raises:
            RefuseError: The forge does not allow it, or does not know the project.
            RetryError: It cannot be reached.
        """
        return FORGES[self.kind].open_request(self._project, request)

    def set_status(self, status: CommitStatus) -> None:
        """Have a commit of the project show a status.

        Raises:
            RefuseError: The forge does not allow it, or does not know the project or the commit.
            RetryError: It cannot be reached.
        """
        FORGES[self.kind].set_status(self._project, status)

    @property
    def _project(self) -> Project:
        return Project(api_url=self.api_url, path=self.project, token=self.token)
