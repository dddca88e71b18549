from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blocks.ops_repository import OpsRepository
from shipway.errors import RetryError
from shipway.retention.in_git import ids_in, read_in_git
from tests.support.origin import Origin
from tests.support.rolling_environment import RollingEnvironment, image
from tests.support.run_contexts import run_context

LATELY = datetime.now(UTC) - timedelta(days=1)
DIGESTS = [str(image(number).digest) for number in range(8)]


@pytest.mark.parametrize(
    "text",
    [
        "image: shop@sha256:{id}",
        "digest: '{id}'",
        "# kept for Ada: {id}",
        "{{{{ {id} }}}}",
        "a\0x{id}\xff",
    ],
)
def test_an_id_counts_wherever_it_stands(text: str) -> None:
    for length in (40, 64):
        assert ids_in(text.format(id="0f" * (length // 2)).encode("latin-1")) == {
            "0f" * (length // 2)
        }


def test_the_run_behind_an_address_counts() -> None:
    run = "0190b8a1-4c5b-7c3a-8d2e-1f2a3b4c5d6e"
    assert ids_in(f"Run: https://prefect.example.org/runs/flow-run/{run}\n".encode()) == {run}


def test_a_longer_number_is_no_id() -> None:
    assert ids_in(b"0f" * 21) == set()


def named(ops: OpsRepository, rollbacks: int = 20) -> list[int]:
    in_git = read_in_git(ops, rollbacks, LATELY)
    return [number for number, digest in enumerate(DIGESTS) if in_git.names(digest)]


@pytest.fixture
def shop(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    """An environment with four releases; the last but one was rolled back."""
    environment = RollingEnvironment(origin, Origin(tmp_path / "app"))
    releases = ((environment.older, 1), (environment.newer, 2), (environment.newer, 3))
    for number, (revision, digit) in enumerate(releases, 1):
        environment.run = run_context(number)
        environment.release(revision, image(digit))
    environment.run = run_context(4)
    environment.roll_back()
    environment.run = run_context(5)
    environment.release(environment.newer, image(4))
    return environment


def test_what_served_lately_counts_and_a_held_image_takes_no_place(
    shop: RollingEnvironment,
) -> None:
    assert named(shop.ops) == [1, 2, 3, 4]
    # 4 serves, 3 is on hold and stands in holds.yaml, 2 is the way back.
    assert named(shop.ops, rollbacks=2) == [2, 3, 4]
    assert named(shop.ops, rollbacks=1) == [3, 4]


def test_any_file_counts_wherever_it_lies(shop: RollingEnvironment) -> None:
    shop.origin.work.checkout("main", "--", ".")
    other = f"image: shop:{'5' * 40}\nother: {DIGESTS[6]}\n".encode()
    shop.origin.commit({"jobs/nightly/deep/job.yaml": other})
    in_git = read_in_git(shop.ops, 1, LATELY)
    assert in_git.names("5" * 40)
    assert in_git.names(DIGESTS[6])


def test_what_a_folder_had_that_is_gone_counts_for_a_while(shop: RollingEnvironment) -> None:
    shop.origin.work.checkout("main", "--", ".")
    shop.origin.work.rm("-r", "--quiet", "prod/shop")
    shop.origin.commit({"prod/cart/rollout.yaml": b"strategy: rolling\n"})
    assert named(shop.ops) == [1, 2, 3, 4]
    later = datetime.now(UTC) + timedelta(days=1)
    assert not read_in_git(shop.ops, 20, later).names(*DIGESTS)


def test_without_an_answer_nothing_is_known(shop: RollingEnvironment) -> None:
    gone = shop.ops.model_copy(update={"url": "http://127.0.0.1:9/ops.git"})
    with pytest.raises(RetryError):
        read_in_git(gone, 20, LATELY)
