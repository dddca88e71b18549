from __future__ import annotations

import re

import pytest

from shipway.config.jobs import JobWhen
from shipway.errors import BadVersionError, FailError, HaltError
from shipway.kubernetes.job import JobEnd
from shipway.rollout.release_job import RanJob, job_object, job_trailers, judge_job
from tests.support.jobs import ShopWithJobs, release_job
from tests.support.rolling_environment import image

SHOP = ShopWithJobs()
TARGET = SHOP.target()


def name(number: int = 1, **spec: object) -> str:
    return job_object(TARGET, SHOP.release_of(number), release_job(**spec)).name  # pyright: ignore


def ran(end: JobEnd) -> RanJob:
    job = job_object(TARGET, SHOP.release_of(1), release_job())
    return RanJob(name="migrate", job=job, end=end)


def test_a_name_is_that_of_one_job_of_one_image() -> None:
    assert re.fullmatch(r"shop-migrate-[0-9a-f]{16}", name())
    names = [name(), name(2), name(backoffLimit=1), name(backoffLimit=0)]
    assert len(set(names)) == len(names)
    assert name() == name()


def test_a_long_name_is_cut_where_a_name_may_end() -> None:
    job = release_job("a" * 63)
    made = job_object(TARGET, SHOP.release_of(1), job)
    assert len(made.name) <= 63
    assert made.body["metadata"]["labels"]["shipway.dev/job"] == "a" * 63


def test_what_the_file_leaves_out_is_the_new_versions_image_and_one_try() -> None:
    spec = job_object(TARGET, SHOP.release_of(1), release_job()).body["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, 600)
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["containers"] == [{"name": "c", "command": ["migrate"], "image": str(image(1))}]


def test_what_the_file_says_stays() -> None:
    pod = {
        "restartPolicy": "OnFailure",
        "initContainers": [{"name": "wait"}],
        "containers": [{"name": "c", "image": "flyway:11"}],
    }
    template = {"metadata": {"labels": {"part": "migrate"}}, "spec": pod}
    job = release_job(backoffLimit=2, activeDeadlineSeconds=9, template=template)
    spec = job_object(TARGET, SHOP.release_of(1), job).body["spec"]
    wait = {"name": "wait", "image": str(image(1))}
    assert spec == {
        "backoffLimit": 2,
        "activeDeadlineSeconds": 9,
        "template": {**template, "spec": {**pod, "initContainers": [wait]}},
    }


def test_a_job_that_is_done_lets_the_release_go_on_and_is_told_in_the_commit() -> None:
    done = ran(JobEnd(exit_code=0, words="a; b: c"))
    assert judge_job(TARGET, done, "before") is None
    assert job_trailers([done, done.model_copy(update={"name": "seed"})]) == {
        "Jobs": "migrate: exit code 0; seed: exit code 0"
    }
    assert job_trailers([]) == {}


@pytest.mark.parametrize(
    ("when", "code", "kind"),
    [
        ("before", 3, FailError),
        ("after", 3, BadVersionError),
        ("before", None, HaltError),
        ("after", None, HaltError),
    ],
)
def test_one_that_is_not_says_how_it_may_run_again(
    when: JobWhen, code: int | None, kind: type[Exception]
) -> None:
    failed = ran(JobEnd(exit_code=code, words="\n".join(map(str, range(9)))))
    error = judge_job(TARGET, failed, when)
    assert type(error) is kind
    last_words = "4\n5\n6\n7\n8"
    assert error is not None
    assert error.facts["got"] == (f"exit code 3\n{last_words}" if code else last_words)
    again = f"`kubectl delete job {failed.job.name} --namespace shop`"
    assert again in str(error.facts["remedy"])
