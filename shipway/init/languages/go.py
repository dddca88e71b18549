"""Go modules."""

from __future__ import annotations

import re
from posixpath import dirname
from typing import ClassVar

from shipway.init.dockerfile import Stage
from shipway.init.languages.language import port_in, unknown_start
from shipway.init.suite import SeenLayer, SeenSuite
from shipway.init.tree import Tree

_DOCKERFILE = """\
ARG GO=golang:{version}

FROM ${{GO}} AS build
WORKDIR /app
ENV CGO_ENABLED=0
COPY go.* ./
RUN go mod download
COPY . .

FROM build AS test
# The tests start at once: everything they need is compiled here.
RUN go test -run='^$' ./...

FROM build AS binary
RUN go build -o /server {package}

FROM gcr.io/distroless/static-debian12 AS runtime
COPY --from=binary /server /server
ENV PORT={port}
USER 10001
EXPOSE {port}
CMD ["/server"]
"""


class Go:
    """A module, tested by `go test`."""

    test_stage: ClassVar = "FROM golang AS test\nWORKDIR /app\nCOPY . ."

    @classmethod
    def recognizes(cls, tree: Tree) -> str | None:
        """By its go.mod."""
        return tree.first(["go.mod"])

    @classmethod
    def suite(cls, tree: Tree) -> SeenSuite | None:
        """All packages at once: `go test` finds them."""
        files = tree.matching(r".*_test\.go")
        if not files:
            return None
        layer = SeenLayer("unit", "command: [go, test, ./...]")
        return SeenSuite(".", (layer,), f"go.mod, and tests such as {files[0]}")

    @classmethod
    def can_test(cls, stage: Stage, tree: Tree) -> bool:
        """It has the toolchain."""
        return bool(re.search(r"\bgolang\b|\bgo (build|install|mod|test)\b", stage.text))

    @classmethod
    def dockerfile(cls, tree: Tree) -> str:
        """A static binary in an image that holds nothing else."""
        mains = [
            name
            for name in tree.matching(r"(cmd/[^/]+/)?[^/]+(?<!_test)\.go")
            if re.search(r"^package main$", tree.text(name), re.MULTILINE)
        ]
        folders = sorted({dirname(name) for name in mains})
        if len(folders) != 1:
            raise unknown_start(tree, "one package main, here or in a folder of cmd")
        version = re.search(r"^go (\d+\.\d+)", tree.text("go.mod"), re.MULTILINE)
        return _DOCKERFILE.format(
            version=version[1] if version else "1",
            package=f"./{folders[0]}",
            port=port_in(tree, mains),
        )
