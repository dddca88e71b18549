"""Images built by a buildkitd, wherever it is: no Docker engine has a part in it."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from shipway.build_secrets import BuildSecrets, write_private
from shipway.errors import RefuseError, RetryError, ShipwayError
from shipway.image_builders.build_command import (
    Ended,
    check_dockerfile,
    does_not_build,
    run_command,
)
from shipway.image_builders.builder import Build, Log
from shipway.image_builders.mutual_tls import Keys, distrust
from shipway.image_config import content_hash, env_of
from shipway.image_ref import ImageRef
from shipway.registry import Registry, push_error
from shipway.temporary_folder import temporary_folder

# What buildctl itself says at its end where buildkitd has judged the build, and was not lost; a
# step's own words never stand at the begin of a line.
_SOLVED = re.compile(
    r"error: failed to solve: "
    r"(?!(?:[a-z]+ [\w ]+: )*(?:rpc error: code = )?(?:Unavailable|Canceled)\b)"
)
_NOT_PUSHED = re.compile(r"error: failed to solve: failed to push (?P<words>.*)")


class BuildKitBuilder(BaseModel):
    """A buildkitd that builds images and pushes them to the registry by digest, without a tag.

    A built image is named by its reference there. Nothing but its digest names it until `push`
    gives it a tag.

    Attributes:
        address: Where buildkitd listens, such as `tcp://buildkitd:1234`.
        registry: Where images go.
        keys: For TLS; None for a connection that nobody guards.
        cache: Repository that keeps the build cache for other workers.
        buildctl: The buildctl command.
        build_args: Build arguments of every build; those of a call win.
    """

    model_config = ConfigDict(frozen=True)

    address: str
    registry: Registry
    keys: Keys | None = None
    cache: str | None = None
    buildctl: str = "buildctl"
    build_args: Mapping[str, str] = {}

    async def platform(self) -> str:
        """What buildkitd runs on."""
        asked = ["debug", "workers", "--format={{json .}}"]
        with temporary_folder("build") as folder:
            ended = await self._run(folder, asked, lambda _line: None, BuildSecrets())
            if ended.status != 0:
                raise await self._unavailable(ended.last, folder)
        own = json.loads(ended.last[-1])[0]["platforms"][0]
        return "/".join(own[key] for key in ("os", "architecture", "variant") if own.get(key))

    async def build(self, build: Build, log: Log) -> str:
        """Build an image, and push it by digest; the build stops with its client."""
        await check_dockerfile(build)
        repository = self.registry.repository(build.app)
        with temporary_folder("build") as folder:
            result = folder / "metadata.json"
            arguments = ["build", "--progress=plain", f"--metadata-file={result}"]
            arguments += _dockerfile(build, {**self.build_args, **build.args})
            arguments += [f"--output={self._output(repository)}", *self._cache(build)]
            arguments += await asyncio.to_thread(build.secrets.write, folder)
            ended = await self._run(folder, arguments, log, build.secrets)
            if ended.status != 0:
                raise await self._failed(build, repository, ended.last, folder)
            digest = json.loads(await asyncio.to_thread(result.read_text))["containerimage.digest"]
        return str(ImageRef(repository=repository, digest=digest))

    async def publish(self, app: str, built: str) -> ImageRef:  # noqa: ARG002  # of the interface
        """A built image is where a cluster can pull it."""
        return ImageRef.parse(built)

    async def push(self, built: str, image: ImageRef) -> ImageRef:
        """Give a built image its tag."""
        return await self.registry.tag(ImageRef.parse(built), str(image.tag))

    async def push_index(self, built: Mapping[str, str], image: ImageRef) -> ImageRef:
        """Give an index of built images by platform its tag."""
        return await self.registry.tag_index(built, image)

    async def content_hashes(self, images: Sequence[str]) -> list[str]:
        """Hashes of what is in images, as their registries tell it."""
        found = [await self.registry.inspect(ImageRef.parse(image)) for image in images]
        return [content_hash(image.layers, image.config) for image in found]

    async def image_env(self, image: str) -> dict[str, str]:
        """The environment that an image brings."""
        return env_of((await self.registry.inspect(ImageRef.parse(image))).config)

    async def _run(
        self, folder: Path, arguments: Sequence[str], log: Log, secrets: BuildSecrets
    ) -> Ended:
        """Run buildctl; the folder gets what it proves itself with."""
        command = [self.buildctl, "--addr", self.address]
        if self.keys:
            await asyncio.to_thread(self.keys.write, folder)
            command += ["--tlsdir", str(folder)]
        env = dict(os.environ)
        if login := self.registry.login:
            config = login.docker_config(self.registry.address)
            await asyncio.to_thread(write_private, folder / "config.json", config)
            env["DOCKER_CONFIG"] = str(folder)
        try:
            return await run_command([*command, *arguments], env, log, secrets)
        except FileNotFoundError as error:
            raise RefuseError(
                "There is no buildctl command.",
                where=self.buildctl,
                expected="the client of BuildKit",
                untouched="everything: nothing was built, pushed or committed",
                remedy="install it on the worker, or set buildctl in the Image Builder block",
            ) from error

    def _output(self, repository: str) -> str:
        words = ["type=image", f"name={repository}", "push=true", "push-by-digest=true"]
        words += ["oci-mediatypes=true", *self._insecure(repository)]
        return ",".join(words)

    def _cache(self, build: Build) -> list[str]:
        """Where steps are looked up that another worker took, and kept for the next one."""
        if self.cache is None:
            return []
        # One a target and platform: what is built at the same time would overwrite the other's.
        parts = [build.app, build.target or "image", *(build.platform or "").split("/")]
        ref = f"{self.cache}:{'-'.join(filter(None, parts))}"
        words = ",".join(["type=registry", f"ref={ref}", *self._insecure(self.cache)])
        # A cache that cannot be written costs the next build time, and this one nothing.
        kept = "mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"
        return [f"--import-cache={words}", f"--export-cache={words},{kept}"]

    def _insecure(self, repository: str) -> list[str]:
        is_plain = self.registry.insecure and self.registry.holds(repository)
        return ["registry.insecure=true"] if is_plain else []

    async def _failed(
        self, build: Build, repository: str, last: Sequence[str], folder: Path
    ) -> ShipwayError:
        error = _last_error(last)
        if not _SOLVED.match(error):
            return await self._unavailable(last, folder)
        if not_pushed := _NOT_PUSHED.match(error):
            return push_error(not_pushed["words"], repository)
        return await does_not_build(build, last)

    async def _unavailable(self, last: Sequence[str], folder: Path) -> ShipwayError:
        untouched = "the ops repository and the cluster"
        if self.keys and (words := await distrust(self.address, folder)):
            return RefuseError(
                "BuildKit and Shipway do not trust each other's certificates.",
                where=self.address,
                expected="a buildkitd whose certificate the ca of the Image Builder block signed, "
                "for the name in its address, and that takes the block's certificate",
                got=words,
                untouched=untouched,
                remedy="set ca, certificate and key in the Image Builder block in the Prefect UI",
            )
        return RetryError(
            "BuildKit does not answer.",
            where=self.address,
            expected="a buildkitd",
            got=_last_error(last),
            untouched=untouched,
            remedy="see whether it runs, and check address and keys in the Image Builder block",
        )


def _dockerfile(build: Build, args: Mapping[str, str]) -> list[str]:
    """What is built of which files, in the words of BuildKit's frontend for Dockerfiles."""
    options = {"filename": build.dockerfile.name}
    options |= {"target": build.target} if build.target else {}
    options |= {"platform": build.platform} if build.platform else {}
    options |= {f"build-arg:{name}": value for name, value in args.items()}
    options |= {f"label:{name}": value for name, value in build.labels.items()}
    return [
        "--frontend=dockerfile.v0",
        f"--local=context={build.context}",
        f"--local=dockerfile={build.dockerfile.parent}",
        *(f"--opt={name}={value}" for name, value in options.items()),
        *(["--no-cache"] if build.no_cache else []),
    ]


def _last_error(last: Sequence[str]) -> str:
    """What buildctl gives as the reason of its end."""
    begun = [number for number, line in enumerate(last) if line.startswith("error: ")]
    return "\n".join(last[begun[-1] :] if begun else last)
