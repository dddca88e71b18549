"""The jobs of a release that are left, by what Git says: a job that it records never runs again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from shipway.config.jobs import Jobs, ReleaseJob
from shipway.release import Release
from shipway.rollout.releases import Releases
from shipway.rollout.target import Target

TRAILER = "Jobs"


def jobs_left(target: Target, releases: Releases, release: Release) -> Jobs:
    """The jobs of a release that are left: those of which Git does not say that they ran for it.

    A rollback runs none; and nothing runs before steps where no step is left.

    Args:
        target: The environment.
        releases: What ran there.
        release: What is released.
    """
    jobs = target.rollout.jobs
    if release.cause.is_rollback or not jobs.in_order:
        return Jobs()
    has_steps = any(step.edits for step in target.plan(release.image))

    def left(of: Sequence[ReleaseJob]) -> list[ReleaseJob]:
        names = {job.name for job in of}
        ran = recorded_jobs(said_in(releases), str(release.image), names)
        return [job for job in of if job.name not in ran]

    return Jobs(before=left(jobs.before) if has_steps else [], after=left(jobs.after))


def recorded_jobs(said: Iterable[Mapping[str, str]], image: str, names: Set[str]) -> set[str]:
    """Those of some jobs of which trailers say that they ran for an image.

    Args:
        said: Blocks of trailers; read for as long as a job is missing.
        image: The image.
        names: The jobs.
    """
    found, blocks = set[str](), iter(said)
    while found != names and (block := next(blocks, None)) is not None:
        if block.get("Image") == image:
            found |= names & names_in(block)
    return found


def said_in(releases: Releases) -> Iterator[Mapping[str, str]]:
    """All that Git says of what ran, newest first; also what a forge has merged into one commit."""
    return (said for ran in releases.newest_first for said in (ran.record, *ran.version.said))


def names_in(said: Mapping[str, str]) -> set[str]:
    """The jobs that trailers name."""
    ran = filter(None, said.get(TRAILER, "").split("; "))
    return {one.partition(":")[0] for one in ran}
