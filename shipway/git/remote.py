"""What every repository has in common: where it is, and how to get in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from shipway.git.access import Access, check_url
from shipway.git.cache import BrokenCacheError, Remote, mends, open_cache
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
    web_url: str | None = Field(
        default=None,
        description="Address of a commit for people, with {commit} in it.",
        examples=["https://github.com/acme/shop/commit/{commit}"],
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
        with (
            open_cache(self._remote(role)) as git,
            closing(Mirror(git, self.url, self.timeout_seconds)) as mirror,
        ):
            yield mirror

    def link(self, commit: str) -> str:
        """The commit as Markdown: a link where `web_url` is set."""
        short = commit[:7]
        if not self.web_url:
            return f"`{short}`"
        return f"[{short}]({self.web_url.replace('{commit}', commit)})"

    def _remote(self, role: str) -> Remote:
        access = Access(
            username=self.username,
            password=self.password,
            ca_certificate=self.ca_certificate,
            ssh_key=self.ssh_key,
            known_hosts=self.known_hosts,
        )
        name = hashlib.sha256(self.url.encode()).hexdigest()[:16]
        return Remote(workspace(role) / name, self.url, access, self.timeout_seconds)


_Repository = TypeVar("_Repository", bound=GitRemote)
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Method = Callable[Concatenate[_Repository, _Arguments], _Result]


def mending_cache(
    role: str,
) -> Callable[
    [_Method[_Repository, _Arguments, _Result]], _Method[_Repository, _Arguments, _Result]
]:
    """Where a method finds its mirror broken, mend it or make it anew, and call it once more."""

    def decorate(
        method: _Method[_Repository, _Arguments, _Result],
    ) -> _Method[_Repository, _Arguments, _Result]:
        @wraps(method)
        def mended(
            self: _Repository, *args: _Arguments.args, **kwargs: _Arguments.kwargs
        ) -> _Result:
            left = iter(mends(self._remote(role)))  # pyright: ignore[reportPrivateUsage]
            while True:
                try:
                    return method(self, *args, **kwargs)
                except BrokenCacheError as error:
                    # The first one that does something; the ones after it are left for later.
                    if not any(mend(error) for mend in left):
                        raise error.reason from error

        return mended

    return decorate
