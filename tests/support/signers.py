"""People with SSH keys of their own, who approve in a clone of the ops repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.packages import have


class Person:
    """Somebody with a key.

    Attributes:
        name: As a list of allowed signers has it.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._key = folder / name
        keygen = [have("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", ""]
        subprocess.run([*keygen, "-C", "", "-f", str(self._key)], check=True)
        self._settings = folder / f"{name}.gitconfig"
        self._settings.write_text(
            f"[user]\n  name = {name}\n  email = {name}\n  signingKey = {self._key}\n"
        )

    @property
    def key(self) -> str:
        """The public key."""
        return self._key.with_suffix(f"{self._key.suffix}.pub").read_text().strip()

    @property
    def fingerprint(self) -> str:
        """What people compare of it."""
        listed = subprocess.run(
            ["ssh-keygen", "-l", "-f", str(self._key)], check=True, capture_output=True, text=True
        )
        return listed.stdout.split()[1]

    def line(self, options: str = "") -> str:
        """A line of a list of allowed signers."""
        return f"{self.name} {options}{self.key}\n"

    def paste(self, command: str, clone: Path, **environment: str) -> None:
        """Run what a form says in a clone of the ops repository.

        Args:
            command: The command.
            clone: The clone.
            environment: More variables of the shell.
        """
        nobodys = {"HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        own = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": str(self._settings)}
        subprocess.run(
            ["sh", "-c", command],
            cwd=clone,
            env={**nobodys, **own, **environment},
            check=True,
            capture_output=True,
        )
