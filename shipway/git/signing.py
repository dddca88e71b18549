"""Signed commits, with the key in a private folder only while the commit is made."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pydantic import SecretStr

from shipway.errors import RefuseError
from shipway.git.command import CommandError, run_program

Signing = Literal["ssh", "openpgp"]

_GPG_SECONDS = 60


@contextmanager
def signed(
    signing: Signing | None, key: SecretStr | None
) -> Generator[tuple[list[str], dict[str, str]]]:
    """The options of `git commit-tree` and the environment that make it sign.

    Args:
        signing: The kind of key; None for no signature.
        key: The private key, without a passphrase: OpenSSH's format, or OpenPGP's armour.

    Raises:
        RefuseError: The program that signs is missing, or takes the key for none.
    """
    if signing is None or key is None:
        yield [], {}
        return
    with TemporaryDirectory(prefix="shipway-sign-") as folder:
        file = Path(folder) / "key"
        file.touch(mode=0o600)
        file.write_text(key.get_secret_value().rstrip("\n") + "\n", "utf-8")
        if signing == "ssh":
            settings = {"gpg.format": "ssh", "user.signingKey": str(file)}
            yield ["-S"], _config(settings)
            return
        home = {"GNUPGHOME": folder}
        identity = _import(file, folder)
        try:
            yield [f"-S{identity}"], _config({"gpg.format": "openpgp"}) | home
        finally:
            # gpg leaves an agent behind that would keep the key in memory.
            _gpg(folder, "gpgconf", "--kill", "all")


def _config(settings: dict[str, str]) -> dict[str, str]:
    # Another variable than GIT_CONFIG_COUNT, which holds the settings that every command has.
    pairs = " ".join(f"'{key}'='{value}'" for key, value in settings.items())
    return {"GIT_CONFIG_PARAMETERS": pairs}


def _import(file: Path, home: str) -> str:
    _gpg(home, "gpg", "--batch", "--import", str(file))
    listed = _gpg(home, "gpg", "--batch", "--with-colons", "--list-secret-keys")
    prints = [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")]
    return prints[0]


def _gpg(home: str, *command: str) -> str:
    try:
        done = run_program(command, Path(home), {"GNUPGHOME": home}, timeout_seconds=_GPG_SECONDS)
    except CommandError as error:
        raise RefuseError(
            "The commit cannot be signed.",
            where="the signing key of the Ops Repository block",
            expected="gpg on PATH and an armoured private key without a passphrase",
            got=error.stderr,
            untouched="the ops repository",
        ) from error
    return done.decode("utf-8", "replace")
