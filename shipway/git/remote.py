"""What every repository has in common: where it is, and how to get in."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from shipway.git.access import Access, check_url, open_repository
from shipway.git.mirror import Mirror
from shipway.workspace import workspace


class GitRemote(BaseModel):
    """A remote repository over http(s) with a password or token, or over ssh with a deploy key."""

    # A URL that is refused may hold a password.
    model_config = ConfigDict(hide_input_in_errors=True)

    url: str = Field(description="http(s)://, ssh:// or file:// URL, without a password.")
    username: str | None = Field(default=None, description="For http(s): the user.")
    password: SecretStr | None = Field(
        default=None, description="For http(s): a password or token."
    )
    ca_certificate: str | None = Field(
        default=None, description="For https: PEM of the authority that signed the server's."
    )
    ssh_key: SecretStr | None = Field(
        default=None, description="For ssh: a private key without a passphrase (a deploy key)."
    )
    known_hosts: str | None = Field(
        default=None, description="For ssh: the server's lines, as `ssh-keyscan HOST` prints them."
    )
    timeout_seconds: float = Field(
        default=300, gt=0, description="When to give up a fetch or a push that does not end."
    )

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        return check_url(url)

    @model_validator(mode="after")
    def _knows_the_host(self) -> Self:
        if self.ssh_key is not None and not self.known_hosts:
            raise ValueError("known_hosts is missing: run `ssh-keyscan HOST` and compare its keys")
        return self

    @contextmanager
    def mirror(self, role: str) -> Generator[Mirror]:
        """The local repository that this remote is fetched into; `role` keeps kinds apart."""
        name = hashlib.sha256(self.url.encode()).hexdigest()[:16]
        access = Access(
            username=self.username,
            password=self.password,
            ca_certificate=self.ca_certificate,
            ssh_key=self.ssh_key,
            known_hosts=self.known_hosts,
        )
        with open_repository(workspace(role) / name, self.url, access) as git:
            yield Mirror(git, self.url, self.timeout_seconds)
