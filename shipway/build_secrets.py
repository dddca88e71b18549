"""What an image's build may read while it runs, and no layer, argument or log line keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

_HIDDEN = "***"
# Shorter ones would hide half of any log.
_SHORTEST = 4
_FILE_MODE = 0o600


class BuildSecrets(BaseModel):
    """Secrets of a build, by the id that its Dockerfile mounts them under.

    Attributes:
        files: Contents for `RUN --mount=type=secret,id=…`.
        ssh: Private keys, without a passphrase, for `RUN --mount=type=ssh,id=…`.
    """

    model_config = ConfigDict(frozen=True)

    files: Mapping[str, SecretStr] = {}
    ssh: Mapping[str, SecretStr] = {}

    def write(self, folder: Path) -> list[str]:
        """Write them into a folder that nobody else reads; return the options of `docker build`."""
        options: list[str] = []
        for name, content in self.files.items():
            file = write_private(folder / f"secret-{name}", content.get_secret_value())
            options += ["--secret", f"id={name},src={file}"]
        for name, key in self.ssh.items():
            # OpenSSH reads no key whose last line does not end.
            file = write_private(folder / f"ssh-{name}", key.get_secret_value().rstrip("\n") + "\n")
            options += ["--ssh", f"{name}={file}"]
        return options

    def hide(self, line: str) -> str:
        """A line of output without any line of a secret."""
        for value in self._lines():
            line = line.replace(value, _HIDDEN)
        return line

    def _lines(self) -> Iterator[str]:
        values = [*self.files.values(), *self.ssh.values()]
        lines = {line.strip() for value in values for line in value.get_secret_value().splitlines()}
        # A longer one first: it may hold a shorter one.
        yield from sorted((line for line in lines if len(line) >= _SHORTEST), key=len, reverse=True)


def write_private(file: Path, content: str) -> Path:
    """Write a file that only this user reads, whatever the umask; return it."""
    file.touch(_FILE_MODE)
    file.write_text(content)
    return file
