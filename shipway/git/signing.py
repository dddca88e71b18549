"""Signed commits, with the key in a private folder only while the commit is made."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from shipway.errors import RefuseError
from shipway.git.cache import BrokenCacheError
from shipway.git.command import CommandError, run_program
from shipway.temporary_folder import temporary_folder

Signing = Literal["ssh", "openpgp"]

_GPG_SECONDS = 60


@contextmanager
def signed(signing: Signing, key: SecretStr) -> Generator[tuple[list[str], dict[str, str]]]:
    """The options of `git commit-tree` and the environment that make it sign.

    Args:
        signing: The kind of key.
        key: The private key, without a passphrase: OpenSSH's format, or OpenPGP's armour.

    Raises:
        RefuseError: The program that signs is missing, or takes the key for none.
    """
    with temporary_folder("sign") as folder:
        file = folder / "key"
        file.touch(mode=0o600)
        file.write_text(key.get_secret_value().rstrip("\n") + "\n", "utf-8")
        if signing == "ssh":
            settings = {"gpg.format": "ssh", "user.signingKey": str(file)}
            with _refusing():
                yield ["-S"], _config(settings)
            return
        home = {"GNUPGHOME": str(folder)}
        identity = _import(file, str(folder))
        try:
            with _refusing():
                yield [f"-S{identity}"], _config({"gpg.format": "openpgp"}) | home
        finally:
            # gpg leaves an agent behind that would keep the key in memory.
            _gpg(str(folder), "gpgconf", "--kill", "all")


@contextmanager
def _refusing() -> Generator[None]:
    """A commit that fails here fails for its signature: without one, it is what was just read."""
    try:
        yield
    except BrokenCacheError as error:
        raise _not_signed(error.reason.facts["got"]) from error


def _not_signed(said: str | None) -> RefuseError:
    return RefuseError(
        "The commit cannot be signed.",
        where="the signing key of the Ops Repository block",
        expected="a private key without a passphrase, and on PATH gpg or ssh-keygen",
        got=said,
        untouched="the ops repository",
    )


def _config(settings: dict[str, str]) -> dict[str, str]:
    # Another variable than GIT_CONFIG_COUNT, which holds the settings that every command has.
    pairs = " ".join(f"'{key}'='{value}'" for key, value in settings.items())
    return {"GIT_CONFIG_PARAMETERS": pairs}


def _import(file: Path, home: str) -> str:
    _gpg(home, "gpg", "--batch", "--import", str(file))
    listed = _gpg(home, "gpg", "--batch", "--with-colons", "--list-secret-keys")
    prints = [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")]
    if not prints:
        raise _not_signed("a key that is not private")
    return prints[0]


def _gpg(home: str, *command: str) -> str:
    try:
        done = run_program(command, Path(home), {"GNUPGHOME": home}, timeout_seconds=_GPG_SECONDS)
    except CommandError as error:
        raise _not_signed(error.stderr) from error
    return done.decode("utf-8", "replace")
