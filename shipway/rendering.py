"""What makes manifests of kustomizations and charts: the tools themselves."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import BaseModel, Field

from shipway.config.rendering import HelmRendering
from shipway.errors import RefuseError, RetryError
from shipway.temporary_folder import temporary_folder

_LAST_WORDS = 2000
# What the tools need to start, to reach a registry and to find its login. Kustomize puts any other
# variable that a file of the ops repository names into a manifest.
_KEPT = (
    *("PATH", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL"),
    *("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "DOCKER_CONFIG"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "KUSTOMIZE_PLUGIN_HOME"),
    *("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELM_PLUGINS"),
    *("HELM_REGISTRY_CONFIG", "HELM_REPOSITORY_CACHE", "HELM_REPOSITORY_CONFIG"),
)


class Renderer(BaseModel):
    """The commands of Kustomize and Helm on the worker."""

    kustomize: str = Field(
        default="kustomize build", description="Command that renders a folder; it is its argument."
    )
    helm: str = Field(default="helm", description="Helm's command.")
    timeout_seconds: float = Field(default=120, gt=0, description="How long one may take.")

    async def build(self, files: Mapping[str, bytes], folder: str) -> bytes:
        """The manifests of a folder's kustomization.yaml.

        Args:
            files: All that it may refer to, by path in the ops repository.
            folder: The folder.

        Raises:
            RefuseError: There is no such tool, or it refuses the files; in its words.
            RetryError: It takes too long.
        """
        async with _written(files) as root:
            return await self._run([*shlex.split(self.kustomize), folder], root, folder)

    async def template(
        self,
        files: Mapping[str, bytes],
        folder: str,
        chart: HelmRendering,
        name: str,
        namespace: str,
    ) -> bytes:
        """The manifests of a chart, without those of its hooks.

        Args:
            files: The values, and the chart where it is a folder, by path in the ops repository.
            folder: Where the values files are.
            chart: The chart.
            name: The release's name, where the chart's settings have none.
            namespace: The release's namespace.

        Raises:
            RefuseError: There is no such tool, or it refuses the files; in its words.
            RetryError: It takes too long.
        """
        command = [*shlex.split(self.helm), "template", chart.release or name, chart.chart]
        command += ["--namespace", namespace, "--include-crds", "--no-hooks"]
        command += ["--repo", chart.repository] if chart.repository else []
        command += ["--version", chart.version] if chart.version else []
        for file in chart.values:
            command += ["--values", f"{folder}/{file}"]
        async with _written(files) as root:
            return await self._run(command, root, folder)

    async def _run(self, command: list[str], root: Path, folder: str) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=root,
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise RefuseError(
                "The tool that renders the manifests is not there.",
                where="block renderer/default",
                expected=f"a program {command[0]!r} on the worker",
                got=str(error),
                untouched="the cluster",
            ) from error
        try:
            async with asyncio.timeout(self.timeout_seconds):
                out, words = await process.communicate()
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise RetryError(
                "The manifests were not rendered in time.",
                where=folder,
                expected=f"an end within {self.timeout_seconds:g} s",
                untouched="the cluster",
            ) from error
        if process.returncode != 0:
            raise RefuseError(
                "The manifests cannot be rendered.",
                where=folder,
                expected=f"files that {Path(command[0]).name} takes",
                got=words.decode("utf-8", "replace").strip()[-_LAST_WORDS:],
                untouched="the cluster",
            )
        return out


@asynccontextmanager
async def _written(files: Mapping[str, bytes]) -> AsyncGenerator[Path]:
    with temporary_folder("manifests") as root:
        await asyncio.to_thread(_write, files, root)
        yield root


def _write(files: Mapping[str, bytes], root: Path) -> None:
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
