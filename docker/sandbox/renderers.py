"""The tools that render manifests: kubectl's Kustomize, in the cluster's binary, and Helm."""

from __future__ import annotations

from collections.abc import Callable

import kubebinary
from gobuild import Program

_HELM = Program(
    name="helm",
    folder="kube",
    package="helm.sh/helm/v3/cmd/helm",
    flags="-s -w -X helm.sh/helm/v3/internal/version.version=v3.19.2",
)


def build(report: Callable[[int], None]) -> None:
    """Have Helm in the cache folder.

    Raises:
        Unavailable: It cannot be built here.
    """
    _HELM.have(report)


def kustomize() -> str:
    """The command, known before the binary is there."""
    return f"{kubebinary.PROGRAM.path} kubectl kustomize"


def helm() -> str:
    """The command, known before the binary is there."""
    return str(_HELM.path)
