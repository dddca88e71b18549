"""The one-binary Kubernetes."""

from __future__ import annotations

from gobuild import Program

VERSION = "v1.34.4"
PROGRAM = Program(
    name="kube",
    folder="kube",
    package=".",
    flags=(
        "-s -w"
        f" -X k8s.io/component-base/version.gitVersion={VERSION}"
        " -X k8s.io/component-base/version.gitMajor=1"
        " -X k8s.io/component-base/version.gitMinor=34"
    ),
)
