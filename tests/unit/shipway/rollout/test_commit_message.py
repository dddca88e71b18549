"""What the ops repository's commits say of what changed, whatever the app's commits say."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shipway.app_environment import AppEnvironment
from shipway.git.ops_folder import OpsFolder
from shipway.git.revision import Revision
from shipway.git.source_changes import Change, Changes, Commits
from shipway.git.trailers import trailers_in
from shipway.image_ref import ImageRef
from shipway.release import Release
from shipway.rollout.commit_message import release_proposal
from shipway.rollout.releases import revision_of
from shipway.text import one_line

SHOP = AppEnvironment(app="shop", environment="prod")
FOLDER = OpsFolder(app_environment=SHOP, commit="e" * 40, files={})
RELEASE = Release(
    revision=Revision(commit="a" * 40, tree="t", author="Ada", subject="s", at=datetime.now(UTC)),
    image=ImageRef.parse(f"registry.example.org/shop@sha256:{'1' * 64}"),
)


def message(*changes: Change, more: int = 0) -> str:
    added = Commits(newest=changes, more=more)
    proposal = release_proposal(
        FOLDER, {"x": b""}, RELEASE, "1/1", {}, "run", Changes(before="b" * 40, added=added)
    )
    return proposal.message


def change(subject: str, author: str = "Ada", request: str = "") -> Change:
    return Change(commit="c" * 40, link="", subject=subject, author=author, request=request)


def test_the_commits_stand_between_the_subject_and_the_trailers() -> None:
    said = message(change("Add a basket", request="#12"), change("Mend it", "Grace"), more=34)
    assert said.startswith(
        "shop aaaaaaa → prod\n\n"
        "New since bbbbbbb:\n"
        "- ccccccc Add a basket (Ada, no. 12)\n"
        "- ccccccc Mend it (Grace)\n"
        "- and 34 more\n\n"
        "Release: shop/prod/aaaaaaaaaaaa\n"
    )


def test_the_record_tells_what_else_the_app_is_made_of() -> None:
    uses = ("libs/money", "go.work")
    made = RELEASE.model_copy(
        update={"revision": RELEASE.revision.model_copy(update={"uses": uses})}
    )

    def recorded(release: Release) -> dict[str, str]:
        proposal = release_proposal(FOLDER, {}, release, "1/1", {}, "run", None)
        (record,) = trailers_in(bytes(proposal.changes["prod/shop/RELEASE"] or b"").decode())[-1:]
        return record

    assert revision_of(recorded(made), datetime.now(UTC)) == made.revision
    assert "Revision-Uses" not in recorded(RELEASE)
    assert revision_of(recorded(RELEASE), datetime.now(UTC)) == RELEASE.revision


def test_nothing_that_a_forge_acts_on_is_left() -> None:
    said = message(
        change("fixes #12, GH-13 and !14; see acme/web#15 [skip ci]", request="!16"),
        change("Issue#1 of PR-2"),
    )
    assert "fixes no. 12, no. 13 and no. 14; see acme/web#15 (skip ci) (Ada, no. 16)" in said
    assert "Issue#1 of PR-2" in said


@given(st.lists(st.tuples(st.text(), st.text(), st.sampled_from(["", "#1"])), max_size=3))
def test_no_commit_of_the_app_writes_a_trailer(texts: list[tuple[str, str, str]]) -> None:
    changes = [change(one_line(subject), one_line(by), request) for subject, by, request in texts]
    blocks = trailers_in(message(*changes))
    assert blocks == trailers_in(message())
    assert len(blocks) == 1


def test_words_that_look_like_trailers_are_none() -> None:
    hostile = ["Image: evil", "App: cart", "```", "---", "* App: cart", "\n\nApp: cart", ": x"]
    changes = [change(one_line(subject), one_line(subject)) for subject in hostile]
    assert trailers_in(message(*changes)) == trailers_in(message())
