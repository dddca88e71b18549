"""How Git reaches a remote: credentials through askpass, never in a URL or an argument."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from shipway.errors import FailError, RefuseError, RetryError, ShipwayError
from shipway.git.command import CommandError

_PASSING = re.compile(
    r"could not resolve host|failed to connect|couldn't connect|connection (refused|reset)"
    r"|timed out|hung up|early eof|rpc failed|http 5\d\d|error: 5\d\d"
    r"|did not complete in [\d.]+ secs|connection closed|unexpected disconnect|empty reply",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"authentication failed|permission denied|error: 40[13]|access denied", re.IGNORECASE
)
_MISSING = re.compile(
    r"repository .*not found|error: 404|does not appear to be a git", re.IGNORECASE
)

_UNTRUSTED = re.compile(
    r"host key verification failed|ssl certificate problem|certificate verif", re.IGNORECASE
)

_NOT_OURS = re.compile(r"detected dubious ownership in repository at '(.*)'")

_NO_BRANCH = re.compile(r"couldn't find remote ref (?:refs/heads/)?(\S+)")
_SSH = (
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "ConnectTimeout=15",
    "ServerAliveInterval=15",
)

# See `git help check-ref-format`; a lone surrogate is no text.
_NO_REF = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]|\.\.|@\{|//|(^|/)\.|\.lock(/|$)|^/|/$|\.$|^@?$"
)

# The settings of every Git command.
SETTINGS = {
    "credential.helper": "",
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # Another process' lock is waited for, in milliseconds.
    "core.filesRefLockTimeout": "3000",
    "core.packedRefsTimeout": "3000",
    "protocol.ext.allow": "never",
    "submodule.recurse": "false",
}


class Access(BaseModel):
    """What opens a remote's door."""

    model_config = ConfigDict(frozen=True)

    username: str | None = None
    password: SecretStr | None = None
    ca_certificate: str | None = None
    ssh_key: SecretStr | None = None
    known_hosts: str | None = None


def git_environment(access: Access, secrets: Path, url: str | None = None) -> dict[str, str]:
    """Environment of a Git command: no prompt, no hooks, no helper, no code of the repository's.

    Args:
        access: The credentials; a password goes through askpass, never into an argument.
        secrets: A private folder for the files that ssh and TLS insist on.
        url: The address of the remote `origin`; that of the repository's own configuration if None.
    """
    settings = SETTINGS | ({"remote.origin.url": url} if url else {})
    environment = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": str(Path(__file__).with_name("askpass.sh")),
        "GIT_CONFIG_COUNT": str(len(settings)),
        "LC_ALL": "C",
    }
    for index, (key, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    if access.username is not None:
        environment["SHIPWAY_ASKPASS_USERNAME"] = access.username
    if access.password is not None:
        environment["SHIPWAY_ASKPASS_PASSWORD"] = access.password.get_secret_value()
    if access.ca_certificate is not None:
        authority = _write(secrets / "ca.pem", access.ca_certificate)
        environment["GIT_SSL_CAINFO"] = str(authority)
    if access.ssh_key is not None:
        key = _write(secrets / "key", access.ssh_key.get_secret_value())
        known = _write(secrets / "known_hosts", access.known_hosts or "")
        options = (*_SSH, f"IdentityFile={key}", f"UserKnownHostsFile={known}")
        words = ["ssh", "-F", "/dev/null", *(word for option in options for word in ("-o", option))]
        environment["GIT_SSH_COMMAND"] = shlex.join(words)
    return environment


def _write(file: Path, text: str) -> Path:
    file.touch(mode=0o600)
    # ssh takes no key whose last line has no end.
    file.write_text(text.rstrip("\n") + "\n", "utf-8")
    return file


def check_url(url: str) -> str:
    """The URL, if it names a remote and holds no secret.

    Raises:
        ValueError: It begins with a dash, uses an unsafe transport, or holds a password.
    """
    if url.startswith("-"):
        raise ValueError("a repository URL cannot begin with a dash")
    parts = urlsplit(url)
    if (parts.hostname or "").startswith("-") or re.match(r"[^/]*@-", url):
        raise ValueError("a host name cannot begin with a dash")
    if any(ord(letter) < 32 for letter in url):
        raise ValueError("the URL holds control characters")
    if parts.scheme not in {"http", "https", "ssh", "file"} and not re.match(
        r"^[\w.-]+@[\w.-]+:", url
    ):
        raise ValueError("expected http://, https://, ssh://, file:// or user@host:path")
    if parts.password:
        raise ValueError("the URL holds a password: put it into the password field")
    return url


def check_ref(ref: str) -> str:
    """The ref, if Git can take it for nothing but a ref.

    The rules are those of `git check-ref-format`; beside them, a dash at the beginning would make
    an option of it, and `@` alone is another name of HEAD.

    Raises:
        RefuseError: It is empty, or could be an option or an expression.
    """
    if ref.startswith("-") or _NO_REF.search(ref):
        raise RefuseError(
            "Not a revision.",
            expected="a branch, a tag or a commit id",
            got=repr(ref),
            untouched="everything: nothing was fetched",
        )
    return ref


def explain(error: CommandError, url: str, doing: str) -> ShipwayError:
    """The error of a Git command, classified by what happens next.

    What the server's hooks say decides nothing, as long as Git itself says something.
    """
    words = error.stderr
    lines = [line for line in words.splitlines() if not line.startswith("remote:")]
    said = "\n".join(lines) or words
    if _DENIED.search(said):
        return RefuseError(
            f"Git was denied access while {doing}.",
            where=url,
            got=words,
            remedy="check username and password of the repository's block in the Prefect UI",
        )
    if _UNTRUSTED.search(said):
        return RefuseError(
            f"The Git server is not the one that was expected; found out while {doing}.",
            where=url,
            got=words,
            remedy="compare the server's key with known_hosts (ssh) or ca_certificate (https) of "
            "the repository's block",
        )
    if _MISSING.search(said):
        return RefuseError(
            f"There is no Git repository there; found out while {doing}.",
            where=url,
            got=words,
            remedy="check the url of the repository's block in the Prefect UI",
        )
    if other := _NOT_OURS.search(said):
        return RefuseError(
            f"The Git repository belongs to another user; found out while {doing}.",
            where=url,
            expected="a folder of the user that the worker runs as",
            got=other[1],
            remedy="give it to that user, or let a server give it out over http or ssh",
        )
    if missing := _NO_BRANCH.search(said):
        return RefuseError(
            f"There is no branch {missing[1]!r}; found out while {doing}.",
            where=url,
            got=words,
            remedy="push the branch, or check the branch of the repository's block",
        )
    if _PASSING.search(said):
        return RetryError(
            f"The Git server cannot be reached while {doing}.",
            where=url,
            got=words,
            remedy="check that the server runs and that the worker reaches it",
        )
    return FailError(f"Git failed while {doing}.", where=url, got=words)
