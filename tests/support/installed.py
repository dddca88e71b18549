"""What docs/production.md has installed in the sandbox's cluster, and what is typed there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.pages import paste
from tests.support.project import HOME, Project


class Installed(NamedTuple):
    """What runs in the cluster.

    Attributes:
        shell: The variables of a shell with kubectl.
        project: An app; the namespace of its environment has its name.
        login: What the Prefect server lets in.
    """

    shell: dict[str, str]
    project: Project
    login: str

    def run(self, text: str, names: dict[str, str] | None = None) -> str:
        return run(text, names or {}, self.shell)

    def objects(self, kind: str, namespace: str, *flags: str) -> list[dict[str, Any]]:
        words = " ".join(("kubectl get", kind, "--output json --namespace", namespace, *flags))
        return json.loads(self.run(words))["items"]


def run(text: str, names: dict[str, str], shell: dict[str, str], folder: Path = HOME) -> str:
    done = paste(text, names, shell, folder)
    assert done.returncode == 0, f"{text}{done.stdout}{done.stderr}"
    return done.stdout
