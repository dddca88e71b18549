from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.git.record import RECORD_FILE, write_record
from shipway.monorepo.changed import Choice, Standing, choose, standing_in, to_compare
from shipway.monorepo.service import Service, pipeline_of, read_service
from tests.support.app_environments import SHOP
from tests.support.rolling_environment import ROLLOUT, WEB, image

OLD, NEW = "a" * 40, "b" * 40
CART = Service(app="cart", folder="services/cart", uses=("libs/money",), needs=("mail",))
PIPELINE = """\
app: cart
uses: [libs/money, go.work]
needs: [mail]
tests: {layers: {unit: {command: [pytest]}}}
"""


def standing(revision: str = OLD, *, is_whole: bool = True) -> Standing:
    return Standing(revision=revision, is_whole=is_whole)


def chosen(
    there: Standing | None, differing: Mapping[str, Collection[str]] | None = None
) -> Choice:
    return choose(CART, there, NEW, {OLD: ()} if differing is None else differing)


def test_a_service_is_read_from_its_pipeline() -> None:
    service = read_service("cart", "services/cart", PIPELINE, "pipeline.yaml@b")
    assert service.paths == ("services/cart", "libs/money", "go.work")
    assert service.needs == ("mail",)
    with pytest.raises(RefuseError, match="another app's"):
        read_service("web", "services/web", PIPELINE, "pipeline.yaml@b")


def test_the_pipeline_is_beside_the_code() -> None:
    assert (pipeline_of("."), pipeline_of("a/b")) == ("pipeline.yaml", "a/b/pipeline.yaml")


@pytest.mark.parametrize(
    ("there", "differing", "what", "why"),
    [
        (standing(), {OLD: ()}, "unchanged", "the same as in aaaaaaa"),
        (standing(), {OLD: {"services/web"}}, "unchanged", "the same as in aaaaaaa"),
        (standing(), {OLD: {"services/cart"}}, "changed", "services/cart since aaaaaaa"),
        (standing(), {OLD: {"libs/money"}}, "changed", "libs/money since aaaaaaa"),
        (standing(), {}, "changed", "the repository does not know aaaaaaa any more"),
        (standing(is_whole=False), {OLD: ()}, "changed", "the release of aaaaaaa is not over"),
        (standing(NEW), {}, "there", "this revision is there"),
        (standing(NEW, is_whole=False), {}, "there", "this revision is there"),
        (Standing(), {}, "changed", "nothing was released yet, or it was changed by hand"),
        (Standing(unread="It is no YAML."), {}, "changed", "It is no YAML."),
        (None, {}, "left out", "it has no folder in this environment"),
    ],
)
def test_what_is_not_known_to_be_unchanged_is_released(
    there: Standing | None, differing: Mapping[str, Collection[str]], what: str, why: str
) -> None:
    choice = chosen(there, differing)
    assert (choice.what, choice.why) == (what, why)
    assert choice.is_released == (what in {"changed", "there"})


def test_only_what_was_released_before_is_compared() -> None:
    web = Service(app="web", folder="services/web")
    mail = Service(app="mail", folder="services/mail")
    there = {"cart": standing(), "web": standing(NEW), "mail": Standing()}
    assert to_compare([CART, web, mail], there, NEW) == {OLD: ["services/cart", "libs/money"]}


def folder(step: str = "", rollout: bytes = ROLLOUT, by_hand: bytes = b"") -> OpsFolder:
    """The folder of an app, released as far as a step."""
    said = {"Revision": OLD, "Image": str(image(1)), "Step": step, "Run": "https://prefect/1"}
    web = WEB.replace(b"shop:0", by_hand or str(image(1)).encode())
    files = {"rollout.yaml": rollout, "web.yaml": web, RECORD_FILE: write_record(said)}
    return OpsFolder(app_environment=SHOP, commit="c", files=files)


def test_what_stands_there_is_what_the_record_says() -> None:
    there = Standing(revision=OLD, is_whole=True, run="https://prefect/1")
    assert standing_in(folder("2/2 all")) == there
    assert standing_in(folder("1/2 canary 10%")) == there.model_copy(update={"is_whole": False})


def test_what_somebody_put_there_by_hand_is_not_known() -> None:
    assert standing_in(folder("1/1 all", by_hand=b"shop:other")).revision == "unknown"


def test_a_folder_that_cannot_be_read_says_why() -> None:
    assert standing_in(folder(rollout=b"strategy: none\n")).unread
