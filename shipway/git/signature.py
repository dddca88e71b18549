"""Who signed a commit with an SSH key, by a list of allowed signers as Git knows it.

ssh-keygen is asked rather than `git verify-commit`, which judges a key by the time that the commit
says of itself: a key that has expired would go on signing, with an older date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from shipway.errors import FailError, RefuseError
from shipway.git.command import CommandError, run_program
from shipway.temporary_folder import temporary_folder

_HEADERS = (b"gpgsig ", b"gpgsig-sha256 ")
_SSH = b"-----BEGIN SSH SIGNATURE-----"
# What Git signs commits for; a signature of something else, such as a file, is none.
_NAMESPACE = ("-n", "git")
_FINGERPRINT = re.compile(r"\bkey (SHA256:\S+)")
_SECONDS = 60


class Signer(BaseModel):
    """Who signed a commit.

    Attributes:
        name: A name of theirs in the list.
        key: The key's fingerprint.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    key: str


class AllowedSigners(BaseModel):
    """A file of allowed signers: names, and the keys that sign for them.

    Attributes:
        file: Its path, for errors.
        text: Its lines, as ssh-keygen reads them.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    text: str

    def with_keys(self, names: Iterable[str]) -> list[str]:
        """Those of some names that a line of the file is about.

        Raises:
            FailError: This machine has no ssh-keygen that can tell.
        """
        with temporary_folder("signers") as folder:
            self._write(folder)
            return [name for name in names if _said(folder, "match-principals", name) is not None]

    def signer_of(self, commit: bytes, names: Iterable[str]) -> Signer:
        """Who of some people signed a commit, with a key that is theirs alone, and is it now.

        Args:
            commit: The commit, as Git keeps it.
            names: The people, by their names in the file.

        Raises:
            RefuseError: None of them did.
            FailError: This machine has no ssh-keygen that can tell.
        """
        signatures, payload = _parted(commit)
        if len(signatures) != 1 or not signatures[0].startswith(_SSH):
            raise _not_signed("no signature by an SSH key", self.file)
        with temporary_folder("signature") as folder:
            self._write(folder)
            (folder / "signature").write_bytes(signatures[0])
            said = _said(folder, "check-novalidate", None, payload)
            found = _FINGERPRINT.search(said or "")
            if found is None:
                raise _not_signed("a signature of something else", self.file)
            key = found[1]
            whose = [name for name in names if _said(folder, "verify", name, payload) is not None]
        # A key of several people says of none that it was them.
        if len(whose) != 1:
            of = f"a key of {' and '.join(whose)}" if whose else "no key of theirs now"
            raise _not_signed(f"{key}, which is {of}", self.file)
        return Signer(name=whose[0], key=key)

    def _write(self, folder: Path) -> None:
        (folder / "allowed_signers").write_text(self.text, "utf-8")


def message_of(commit: bytes) -> str:
    """The message of a commit."""
    return commit.partition(b"\n\n")[2].decode("utf-8", "replace").strip()


def _parted(commit: bytes) -> tuple[list[bytes], bytes]:
    """The signatures of a commit, and what they sign: all the rest of it."""
    head, gap, message = commit.partition(b"\n\n")
    signatures, rest = list[list[bytes]](), list[bytes]()
    is_signature = False
    for line in head.split(b"\n"):
        is_signature = line.startswith(_HEADERS) or (is_signature and line.startswith(b" "))
        if line.startswith(_HEADERS):
            signatures.append([])
        if is_signature:
            signatures[-1].append(line.partition(b" ")[2])
        else:
            rest.append(line)
    return [b"\n".join(lines) + b"\n" for lines in signatures], b"\n".join(rest) + gap + message


def _said(folder: Path, command: str, name: str | None, payload: bytes = b"") -> str | None:
    """What ssh-keygen says, in a folder with the files that it reads; None where it says no."""
    files = () if name is None else ("-f", "allowed_signers", "-I", name)
    if command != "match-principals":
        files = (*_NAMESPACE, "-s", "signature", *files)
    try:
        said = run_program(
            ("ssh-keygen", "-Y", command, *files),
            folder,
            {},
            stdin=payload,
            timeout_seconds=_SECONDS,
        )
    except CommandError as error:
        if error.status is None or "unsupported operation" in error.stderr.lower():
            raise FailError(
                "Nobody can tell who signed.",
                where=" ".join(error.command[:3]),
                expected="ssh-keygen of OpenSSH 8.9 or later on PATH of the worker",
                got=error.stderr,
                untouched="the ops repository and the cluster",
            ) from error
        return None
    return said.decode("utf-8", "replace")


def _not_signed(got: str, file: str) -> RefuseError:
    return RefuseError(
        "The commit is not signed by a person who may.",
        expected=f"a signature by a key that {file} has now, for one of them alone",
        got=got,
    )
