from __future__ import annotations

from datetime import UTC, datetime

from shipway.gates.measurement import Measurement
from shipway.git.revision import Revision
from shipway.reports.plan import render
from shipway.rollout.plan import GatePlan, JobPlan, ReleasePlan, StagePlan, StepPlan

DIFF = "--- a/prod/shop/web.yaml\n+++ b/prod/shop/web.yaml\n-a: ```\n+a: b\n"
REVISION = Revision(
    commit="abc1234" + "0" * 33,
    tree="",
    author="Ada",
    subject="Fix | the <cart>",
    at=datetime(2026, 11, 1, tzinfo=UTC),
)


def step(name: str, **said: object) -> StepPlan:
    known = {"of": "shop abc1234 → prod", "files": (), "diff": "", "share": 100}
    more = {"pause_seconds": 0, "gates": None, "approval": False}
    return StepPlan.model_validate({"name": name, **known, **more, **said})


PLAN = ReleasePlan(
    app="shop",
    environment="prod",
    revision=REVISION,
    image="registry/shop@sha256:0",
    stages=[
        StagePlan(name="build", is_done=False, why="the registry has no shop:abc"),
        StagePlan(name="unit", is_done=True, why="green", run="https://example.org/a-run/7"),
        StagePlan(name="e2e", is_done=True, why="green", run="8"),
    ],
    answers={"fence, holds and freezes": "the release may follow"},
    steps=[
        step("1/2 canary 10%"),
        step(
            "2/2 promote",
            files=("prod/shop/web.yaml",),
            diff=DIFF,
            share=10,
            pause_seconds=60,
            approval=True,
        ),
    ],
    jobs=[
        JobPlan(name="expand", when="before", is_left=True),
        JobPlan(name="seed", when="before", is_left=False),
        JobPlan(name="contract", when="after", is_left=True),
    ],
    gates=[
        GatePlan(
            name="errors",
            asks={"prometheus": {"query": "a\n  / b", "max": 1}},
            after=("1/2 canary 10%",),
            now=Measurement(verdict="pass", words="0, max 1"),
        ),
        GatePlan(name="smoke", asks={"job": {"command": ["a|b"]}}, after=(), now=None),
    ],
    review="acme/ops",
)


def test_the_page_has_each_stage_step_diff_and_gate() -> None:
    lines = render(PLAN).splitlines()
    for line in (
        "# plan shop abc1234 → prod",
        "**A release would build, run the job expand, commit 1 step and run the job contract**",
        f"- **Revision** `{REVISION.commit}`",
        r"- **Change** Fix \| the \<cart\> (Ada)",
        "- The digest of zeros stands for the image's, which is known once it is built.",
        "- Each commit waits in `acme/ops` until its pull request is merged.",
        "| build | to do | the registry has no shop:abc |",
        "| unit | done | green, in [another run](https://example.org/a-run/7) |",
        "| e2e | done | green, in another run |",
        "| fence, holds and freezes | the release may follow |",
        "| 1/2 canary 10% | done already | 100 % | 0 s |",
        "| 2/2 promote | 1 file, once a person approves | 10 % | 60 s |",
        "| expand | before the first step | to run |",
        "| seed | before the first step | does not run |",
        "| contract | after the last step | to run |",
        "| errors | 1/2 canary 10% | pass: 0, max 1 |",
        "| smoke | no step that is left | not asked |",
        "prometheus:",
        "  query: a / b",
        "  max: 1",
        "  command: ['a|b']",
        "````diff",
        "-a: ```",
    ):
        assert line in lines


def test_a_promotion_says_where_the_version_comes_from() -> None:
    told = REVISION.model_copy(update={"subject": "", "author": ""})
    promotion = ReleasePlan(
        kind="promotion", app="shop", environment="prod", promoted_from="staging", revision=told
    )
    assert render(promotion) == (
        "# plan shop abc1234: staging → prod\n\n"
        "**A promotion would change nothing: image and commit are there already**\n\n"
        f"- **Revision** `{told.commit}`"
    )


def test_a_refusal_stands_first_in_its_own_words() -> None:
    refused = ReleasePlan(app="shop", environment="prod", refusal="No.\n  where: there")
    assert render(refused) == (
        "# plan shop → prod\n\n**A release would be refused: No.**\n\n"
        "```text\nNo.\n  where: there\n```"
    )
