from __future__ import annotations

import os

import pytest

from blocks.source_repository import SourceRepository
from shipway.errors import RefuseError
from shipway.git.mirror import Mirror
from shipway.git.source_refs import Ahead, Looked, Question, Ref
from tests.support.origin import Origin
from tests.support.tagged import tag_line


def is_tag(name: str) -> bool:
    return name.startswith("refs/tags/")


@pytest.fixture
def source(origin: Origin) -> SourceRepository:
    origin.commit({"app.py": b"0"})
    return SourceRepository(url=origin.url)


def look(source: SourceRepository, since: str | None = None) -> Looked:
    return source.look_ahead([Question(is_tag, since)])


def ahead(source: SourceRepository, since: str | None = None) -> Ahead:
    (answer,) = look(source, since).answers
    return answer


def titles(refs: tuple[Ref, ...]) -> list[str]:
    return [ref.title for ref in refs]


def commit_and_tag(origin: Origin, *names: str) -> str:
    commit = origin.commit_tree(" ".join(names))
    for name in names:
        origin.bare.create_tag(name, ref=commit)
    return commit


def test_of_tags_in_one_line_the_last_is_newest_and_the_others_are_superseded_in_order(
    origin: Origin, source: SourceRepository
) -> None:
    # All commits have the same time, and v10 sorts before v9.
    tag_line(origin.path, range(1, 12))
    found = ahead(source)
    assert titles(found.newest) == ["v11"]
    assert found.newest[0].commit == origin.tip()
    assert titles(found.superseded) == [f"v{number}" for number in range(10, 0, -1)]
    later = ahead(source, str(origin.bare.commit("v8")))
    assert (titles(later.newest), titles(later.superseded)) == (["v11"], ["v10", "v9"])
    assert ahead(source, origin.tip()) == Ahead()


def test_of_500_old_tags_and_no_release_only_the_last_is_newest(
    origin: Origin, source: SourceRepository
) -> None:
    tag_line(origin.path, range(1, 501))
    found = ahead(source)
    assert (titles(found.newest), len(found.superseded), found.beside) == (["v500"], 499, ())


def test_what_is_not_on_the_way_from_what_was_released_is_beside(
    origin: Origin, source: SourceRepository
) -> None:
    v1 = commit_and_tag(origin, "v1")
    v2 = commit_and_tag(origin, "v2")
    origin.work.checkout("--quiet", "-B", "side", v1)
    origin.work.commit("--quiet", "--allow-empty", "--message", "mended")
    origin.work.tag("v1.1")
    found = ahead(source, v2)
    assert (found.newest, titles(found.beside)) == ((), ["v1.1"])
    # Before anything was released, neither of them goes before the other.
    first = ahead(source)
    assert sorted(titles(first.newest)) == ["v1.1", "v2"]
    assert titles(first.superseded) == ["v1"]


def test_of_what_was_released_and_is_no_longer_there_nothing_is_ahead(
    origin: Origin, source: SourceRepository
) -> None:
    commit_and_tag(origin, "v1")
    found = ahead(source, "1" * 40)
    assert (found.newest, titles(found.beside)) == ((), ["v1"])


def test_several_tags_of_one_commit_are_one(origin: Origin, source: SourceRepository) -> None:
    commit_and_tag(origin, "v1", "v1.0.0")
    assert titles(ahead(source).newest) == ["v1 = v1.0.0"]


def test_a_tag_with_a_message_is_its_commit_and_a_tag_of_a_file_is_nothing(
    origin: Origin, source: SourceRepository
) -> None:
    commit = origin.tip()
    origin.bare.create_tag("v1", ref=commit, message="first")
    origin.bare.create_tag("v1-again", ref="v1", message="a tag of a tag")
    origin.bare.create_tag("file", ref=f"{commit}:app.py")
    found = ahead(source)
    assert found == Ahead(
        newest=(Ref(commit=commit, names=("refs/tags/v1", "refs/tags/v1-again")),)
    )


def test_a_name_that_is_no_text_is_told_so_that_it_can_be_read(
    origin: Origin, source: SourceRepository
) -> None:
    file = os.fsencode(origin.path / "refs" / "tags") + b"/v\xff-\xc3\xa9-\xe2\x80\xa8"
    with open(file, "w") as ref:  # noqa: PTH123  (a Path would be text)
        ref.write(f"{origin.tip()}\n")
    assert titles(ahead(source).newest) == ["v\\xff-é-"]
    assert look(source).moved == {}


def test_a_tag_that_moved_is_told_with_where_it_was(
    origin: Origin, source: SourceRepository
) -> None:
    before = commit_and_tag(origin, "v1")
    assert look(source).moved == {}
    after = origin.commit_tree()
    origin.bare.create_tag("v1", ref=after, force=True)
    found = look(source, before)
    assert found.moved["refs/tags/v1"] == before
    assert [ref.commit for ref in found.answers[0].newest] == [after]


def test_a_tag_that_was_deleted_is_gone(origin: Origin, source: SourceRepository) -> None:
    commit_and_tag(origin, "v1")
    assert titles(ahead(source).newest) == ["v1"]
    origin.bare.delete_tag("v1")
    assert ahead(source) == Ahead()


def test_the_server_is_asked_once_for_all_questions_and_nothing_is_fetched_that_is_here(
    origin: Origin, source: SourceRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ask = list[str](), Mirror.ask

    def note(self: Mirror, doing: str, command: str, *words: str, **more: object) -> str:
        asked.append(command)
        return ask(self, doing, command, *words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Mirror, "ask", note)
    commit_and_tag(origin, "v1")
    everything = Question(lambda _: True, None)
    assert len(source.look_ahead([everything, everything]).answers) == 2
    assert asked == ["ls-remote", "fetch"]
    look(source)
    assert asked == ["ls-remote", "fetch", "ls-remote"]


def test_a_shallow_repository_is_refused(origin: Origin, source: SourceRepository) -> None:
    commit_and_tag(origin, "v1")
    shallow = origin.path.with_name("shallow.git")
    origin.work.clone("--quiet", "--bare", "--depth=1", origin.url, str(shallow))
    with pytest.raises(RefuseError, match="The source repository is shallow"):
        look(SourceRepository(url=f"file://{shallow}"))
