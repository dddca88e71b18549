"""How Git reaches a remote: credentials through askpass, never in a URL or an argument."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock
from git import Repo
from git.exc import GitCommandError
from pydantic import SecretStr

from blocks.errors import Fail, Refuse, Retry, ShipwayError

_PASSING = re.compile(
    r"could not resolve host|failed to connect|couldn't connect|connection (refused|reset)"
    r"|timed out|hung up|early eof|rpc failed|http 5\d\d|error: 5\d\d",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"authentication failed|permission denied|error: 40[13]|access denied", re.IGNORECASE
)
_MISSING = re.compile(
    r"repository .*not found|error: 404|does not appear to be a git", re.IGNORECASE
)

_NO_BRANCH = re.compile(r"couldn't find remote ref (?:refs/heads/)?(\S+)")
_FORBIDDEN = re.compile(r"\[remote rejected\]|hook declined")


def open_mirror(folder: Path, url: str, username: str | None, password: SecretStr | None) -> Repo:
    """A bare repository at `folder` whose remote `origin` is `url`, made if it is not there.

    The user's own Git configuration of credentials, prompts and hooks takes no part.
    """
    with FileLock(f"{folder}.lock"):
        repo = Repo(folder) if (folder / "config").exists() else Repo.init(folder, bare=True)
        if "origin" not in repo.remotes:
            repo.create_remote("origin", url)
    repo.git.update_environment(**git_environment(username, password))
    return repo


def git_environment(username: str | None, password: SecretStr | None) -> dict[str, str]:
    """Environment of a Git command: credentials by askpass, no prompt, no hooks, no helper."""
    settings = {
        "credential.helper": "",
        "core.hooksPath": "/dev/null",
        "gc.auto": "0",
        "protocol.ext.allow": "never",
    }
    environment = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": str(Path(__file__).with_name("askpass.sh")),
        "GIT_CONFIG_COUNT": str(len(settings)),
        "LC_ALL": "C",
    }
    for index, (key, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    if username is not None:
        environment["SHIPWAY_ASKPASS_USERNAME"] = username
    if password is not None:
        environment["SHIPWAY_ASKPASS_PASSWORD"] = password.get_secret_value()
    return environment


def check_url(url: str) -> str:
    """The URL, if it names a remote and holds no secret.

    Raises:
        ValueError: It begins with a dash, uses an unsafe transport, or holds a password.
    """
    if url.startswith("-"):
        raise ValueError("a repository URL cannot begin with a dash")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "ssh", "file"} and not re.match(
        r"^[\w.-]+@[\w.-]+:", url
    ):
        raise ValueError("expected http://, https://, ssh://, file:// or user@host:path")
    if parts.password:
        raise ValueError("the URL holds a password: put it into the password field")
    return url


def check_ref(ref: str) -> str:
    """The ref, if Git can take it for nothing but a ref.

    Raises:
        Refuse: It is empty, begins with a dash or holds characters that no ref can hold.
    """
    if not re.fullmatch(r"[\w][\w./+@-]*", ref) or ".." in ref or "@{" in ref:
        raise Refuse(
            "Not a revision.",
            expected="a branch, a tag or a commit id",
            got=repr(ref),
            untouched="everything: nothing was fetched",
        )
    return ref


def explain(error: GitCommandError, url: str, doing: str) -> ShipwayError:
    """The error of a Git command, classified by what happens next."""
    # GitPython wraps what Git said.
    words = re.sub(r"^\s*stderr: '(.*)'$", r"\1", str(error.stderr), flags=re.DOTALL).strip()
    if _DENIED.search(words):
        return Refuse(
            f"Git was denied access while {doing}.",
            where=url,
            got=words,
            remedy="check username and password of the repository's block in the Prefect UI",
        )
    if _MISSING.search(words):
        return Refuse(
            f"There is no Git repository there; found out while {doing}.",
            where=url,
            got=words,
            remedy="check the url of the repository's block in the Prefect UI",
        )
    if missing := _NO_BRANCH.search(words):
        return Refuse(
            f"There is no branch {missing[1]!r}; found out while {doing}.",
            where=url,
            got=words,
            remedy="push the branch, or check the branch of the repository's block",
        )
    if _FORBIDDEN.search(words):
        return Refuse(
            f"The Git server does not allow it; found out while {doing}.",
            where=url,
            got=words,
            remedy="check the branch's protection and the server's hooks",
        )
    if _PASSING.search(words):
        return Retry(
            f"The Git server cannot be reached while {doing}.",
            where=url,
            got=words,
            remedy="check that the server runs and that the worker reaches it",
        )
    return Fail(f"Git failed while {doing}.", where=url, got=words)
