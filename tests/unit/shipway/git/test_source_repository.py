from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from blocks.source_repository import SourceRepository
from shipway.errors import RefuseError
from shipway.git.revision import Revision
from tests.support.origin import Origin


@pytest.fixture
def first(origin: Origin) -> str:
    return origin.commit({"shop/app.py": b"1\n", "cart/app.py": b"1\n"}, "first\n\nwith a body")


@pytest.fixture
def source(origin: Origin, first: str) -> SourceRepository:
    assert first
    return SourceRepository(url=origin.url)


def test_a_branch_is_resolved_to_its_commit_and_tree(
    origin: Origin, source: SourceRepository, first: str
) -> None:
    assert source.resolve("main") == Revision(
        commit=first,
        tree=origin.bare.commit(first).tree.hexsha,
        author="Ada",
        subject="first",
        at=origin.bare.commit(first).committed_datetime,
    )


def test_a_branch_is_looked_up_anew_each_time(
    origin: Origin, source: SourceRepository, first: str
) -> None:
    assert source.resolve("main").commit == first
    second = origin.commit({"shop/app.py": b"2\n"})
    assert source.resolve("main").commit == second


def test_a_branch_that_was_moved_by_force_is_followed(
    origin: Origin, source: SourceRepository
) -> None:
    source.resolve("main")
    origin.work.commit("--amend", "--message", "another")
    assert source.resolve("main").subject == "another"


def test_a_commit_is_found_by_its_full_and_its_short_id(
    origin: Origin, source: SourceRepository, first: str
) -> None:
    origin.commit({"shop/app.py": b"2\n"})
    found = [source.resolve(ref) for ref in (first, first[:7])]
    assert [one.commit for one in found] == [first, first]
    assert found[0].short == first[:7]


def test_a_full_id_that_is_here_needs_no_server(
    origin: Origin, source: SourceRepository, first: str
) -> None:
    source.resolve("main")
    origin.path.rename(origin.path.with_suffix(".away"))
    assert source.resolve(first).commit == first


@pytest.mark.parametrize("annotated", [True, False])
def test_a_tag_is_resolved_to_its_commit(
    origin: Origin, source: SourceRepository, first: str, *, annotated: bool
) -> None:
    origin.bare.create_tag("v1", ref=first, message="one" if annotated else None)
    origin.commit({"shop/app.py": b"2\n"})
    assert source.resolve("v1").commit == first


def test_a_tag_goes_before_a_branch_of_the_same_name(
    origin: Origin, source: SourceRepository, first: str
) -> None:
    origin.bare.create_head("v1", origin.commit({"shop/app.py": b"2\n"}))
    origin.bare.create_tag("v1", ref=first)
    assert source.resolve("v1").commit == first


def test_a_branch_with_a_slash_is_found(
    origin: Origin, source: SourceRepository, first: str
) -> None:
    origin.bare.create_head("feature/x", first)
    assert source.resolve("feature/x").commit == first


@pytest.mark.parametrize("ref", ["none", "0" * 40, "FETCH_HEAD"])
def test_a_revision_that_is_not_there_is_refused_with_the_branches(
    origin: Origin, source: SourceRepository, ref: str
) -> None:
    origin.bare.create_head("next", origin.tip())
    with pytest.raises(RefuseError) as caught:
        source.resolve(ref)
    assert str(caught.value) == (
        f"There is no revision {ref!r}.\n"
        f"  where:     {origin.url}\n"
        "  expected:  a commit id, a tag, or a branch (main, next)\n"
        f"  got:       {ref!r}\n"
        "  untouched: everything: nothing was built, pushed or committed\n"
        "  remedy:    push the commit first, or check the spelling"
    )


def test_a_branch_that_was_deleted_is_no_longer_there(
    origin: Origin, source: SourceRepository
) -> None:
    origin.bare.create_head("gone", origin.tip())
    source.resolve("gone")
    origin.bare.delete_head("gone", force=True)
    with pytest.raises(RefuseError, match="There is no revision 'gone'"):
        source.resolve("gone")


def test_what_could_be_an_option_never_reaches_git(source: SourceRepository) -> None:
    with pytest.raises(RefuseError, match="Not a revision"):
        source.resolve("--upload-pack=touch x")


def test_a_repository_that_is_not_there_is_refused(origin: Origin) -> None:
    with pytest.raises(RefuseError) as caught:
        SourceRepository(url=f"{origin.url}.none").resolve("main")
    assert caught.value.what == (
        "There is no Git repository there; found out while fetching the app's code."
    )
    assert caught.value.facts["where"] == f"{origin.url}.none"


def test_apps_of_one_repository_differ_in_their_trees(origin: Origin, first: str) -> None:
    assert first
    apps = {folder: SourceRepository(url=origin.url, folder=folder) for folder in ("shop", "cart")}
    before = {folder: app.resolve("main").tree for folder, app in apps.items()}
    origin.commit({"shop/app.py": b"2\n"})
    after = {folder: app.resolve("main").tree for folder, app in apps.items()}
    assert before["shop"] == before["cart"] == after["cart"]
    assert after["shop"] != before["shop"]


@pytest.mark.parametrize("folder", ["none", "../..", "shop/none"])
def test_a_folder_that_is_not_in_the_repository_is_refused(
    origin: Origin, first: str, folder: str
) -> None:
    with pytest.raises(RefuseError) as caught:
        SourceRepository(url=origin.url, folder=folder).resolve("main")
    assert str(caught.value) == (
        "The app's folder is not in the repository.\n"
        f"  where:     {origin.url} at {first}\n"
        f"  expected:  a folder {folder!r}\n"
        "  remedy:    check the folder of the app's Source Repository block"
    )


def test_a_file_is_no_folder(origin: Origin, first: str) -> None:
    assert first
    with pytest.raises(RefuseError):
        SourceRepository(url=origin.url, folder="shop/app.py").resolve("main")


def test_a_checkout_holds_the_files_of_the_revision_alone(
    origin: Origin, first: str, tmp_path: Path
) -> None:
    origin.commit({"shop/app.py": b"2\n", "shop/new.py": b""})
    source = SourceRepository(url=origin.url, folder="shop")
    into = tmp_path / "out" / "code"
    assert source.checkout(source.resolve(first), into) == into / "shop"
    files = {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file()}
    assert files == {"shop/app.py", "cart/app.py"}
    assert (into / "shop/app.py").read_bytes() == b"1\n"
    assert [path.name for path in into.parent.iterdir()] == ["code"]


def test_two_revisions_are_checked_out_side_by_side(
    origin: Origin, source: SourceRepository, first: str, tmp_path: Path
) -> None:
    second = origin.commit({"shop/app.py": b"2\n"})
    found = [
        source.checkout(source.resolve(commit), tmp_path / commit) / "shop/app.py"
        for commit in (second, first)
    ]
    assert [path.read_bytes() for path in found] == [b"2\n", b"1\n"]


def test_an_executable_file_stays_executable(
    origin: Origin, source: SourceRepository, tmp_path: Path
) -> None:
    (origin.tree / "shop/app.py").chmod(0o755)
    origin.commit_tree()
    source.checkout(source.resolve("main"), tmp_path / "code")
    assert (tmp_path / "code/shop/app.py").stat().st_mode & 0o111


def test_a_revision_contains_itself_and_what_came_before(
    origin: Origin, source: SourceRepository, first: str
) -> None:
    second = origin.commit({"shop/app.py": b"2\n"})
    source.resolve("main")
    pairs = [(first, first), (first, second), (second, first), ("0" * 40, second)]
    assert [source.is_ancestor(*pair) for pair in pairs] == [True, True, False, False]


@pytest.mark.parametrize("name", ["main", "trunk", "release/next"])
def test_without_a_name_the_tip_of_the_default_branch_is_meant(
    origin: Origin, source: SourceRepository, first: str, name: str
) -> None:
    origin.bare.git.branch("--force", name, first) if name != "main" else None
    origin.bare.git.symbolic_ref("HEAD", f"refs/heads/{name}")
    assert source.resolve(None).commit == first


def test_the_default_branch_can_be_set(origin: Origin, first: str) -> None:
    origin.bare.create_head("next", first)
    origin.commit({"shop/app.py": b"2\n"})
    source = SourceRepository(url=origin.url, default_branch="next")
    assert source.resolve(None).commit == first


def test_an_empty_repository_has_no_revision(origin: Origin) -> None:
    with pytest.raises(RefuseError, match="The repository has no default branch") as caught:
        SourceRepository(url=origin.url).resolve(None)
    assert caught.value.facts["got"] == "an empty repository"
    with pytest.raises(RefuseError, match="There is no revision 'main'") as caught:
        SourceRepository(url=origin.url).resolve("main")
    assert "there is none" in str(caught.value.facts["expected"])


def test_a_shallow_repository_is_released_but_does_not_tell_what_is_newer(
    origin: Origin, first: str, tmp_path: Path
) -> None:
    second = origin.commit({"shop/app.py": b"2\n"})
    shallow = tmp_path / "shallow.git"
    origin.bare.git.clone("--quiet", "--bare", "--depth=1", origin.url, str(shallow))
    source = SourceRepository(url=f"file://{shallow}")
    assert source.resolve("main").commit == second
    with pytest.raises(RefuseError, match="The source repository is shallow") as caught:
        source.is_ancestor(first, second)
    assert caught.value.facts["untouched"] == "the ops repository and the cluster"
    assert source.is_ancestor(second, second)


def test_a_submodule_is_refused_and_its_url_never_asked(
    origin: Origin, first: str, tmp_path: Path
) -> None:
    modules = b'[submodule "x"]\n\tpath = shop/x\n\turl = ext::touch %Stouched\n'
    origin.commit({".gitmodules": modules, "shop/.keep": b""})
    origin.work.update_index("--add", "--cacheinfo", f"160000,{first},shop/x")
    origin.work.commit("--quiet", "--message", "submodule")
    source = SourceRepository(url=origin.url, folder="shop")
    with pytest.raises(RefuseError) as caught:
        source.checkout(source.resolve("main"), tmp_path / "code")
    assert caught.value.what == (
        "The app's code holds a submodule, whose content is not in the commit."
    )
    assert caught.value.facts["got"] == "x"
    # Another folder of the same repository is nobody's business.
    other = SourceRepository(url=origin.url, folder="cart")
    assert (other.checkout(other.resolve("main"), tmp_path / "cart") / "app.py").exists()


def test_a_pointer_into_lfs_is_refused(origin: Origin, first: str, tmp_path: Path) -> None:
    assert first
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    origin.commit(
        {
            "shop/.gitattributes": b"*.bin filter=lfs diff=lfs merge=lfs -text\n",
            "shop/model.bin": pointer,
            "shop/about.md": b"A pointer has the line\n" + pointer,
        }
    )
    source = SourceRepository(url=origin.url, folder="shop")
    with pytest.raises(RefuseError) as caught:
        source.checkout(source.resolve("main"), tmp_path / "code")
    assert caught.value.what == (
        "The app's code holds a Git LFS pointer, whose content is not in the commit."
    )
    assert caught.value.facts["got"] == "model.bin"


def test_control_characters_of_a_name_or_a_subject_reach_no_log(
    origin: Origin, source: SourceRepository
) -> None:
    origin.work.commit(
        "--allow-empty", "--quiet", "--author", "Eve\x1b[2J <e@x>", "--message", "a\x1b]0;x\x07b"
    )
    found = source.resolve("main")
    assert (found.author, found.subject) == ("Eve [2J", "a ]0;x b")


def test_a_hook_of_the_users_configuration_does_not_run(
    origin: Origin, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "pre-push"):
        hook = hooks / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(f"[core]\n\thooksPath = {hooks}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    source = SourceRepository(url=origin.url)
    source.checkout(source.resolve(first), tmp_path / "code")
    assert not (tmp_path / "ran").exists()


def test_a_deploy_key_needs_to_know_its_server() -> None:
    with pytest.raises(ValidationError, match="run `ssh-keyscan HOST`"):
        SourceRepository(url="ssh://git@git.example.org/shop", ssh_key="KEY")


def test_a_password_in_the_url_is_refused() -> None:
    with pytest.raises(ValidationError, match="put it into the password field"):
        SourceRepository(url="https://reader:hunter2@git.example.org/shop")


def test_the_refused_url_does_not_show_its_password() -> None:
    with pytest.raises(ValidationError) as caught:
        SourceRepository(url="https://reader:hunter2@git.example.org/shop")
    assert "hunter2" not in str(caught.value)


@pytest.fixture
def monorepo(origin: Origin, first: str) -> SourceRepository:
    assert first
    origin.commit({"libs/money/a.py": b"1\n", "go.work": b"1\n", "shop/pipeline.yaml": b"app: a\n"})
    return SourceRepository(url=origin.url, folder="shop")


def test_what_an_app_uses_has_an_id_that_its_content_makes(
    origin: Origin, monorepo: SourceRepository
) -> None:
    paths = ["libs/money", "go.work", "."]
    before = monorepo.resolve("main")
    ids = [str(origin.bare.git.rev_parse(f"main:{path}")) for path in ("libs/money", "go.work", "")]
    assert monorepo.used(before, paths) == ids
    origin.commit({"libs/money/a.py": b"2\n"})
    after = monorepo.used(monorepo.resolve("main"), paths)
    assert [one == other for one, other in zip(ids, after, strict=True)] == [False, True, False]


def test_what_is_not_there_cannot_be_used(monorepo: SourceRepository) -> None:
    with pytest.raises(RefuseError) as caught:
        monorepo.used(monorepo.resolve("main"), ["libs/money", "libs/monney"])
    assert (caught.value.what, caught.value.facts["got"]) == (
        "An app uses what is not there.",
        "libs/monney",
    )


def test_a_file_in_lfs_cannot_be_used(origin: Origin, monorepo: SourceRepository) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"
    origin.commit({"rates.bin": pointer})
    with pytest.raises(RefuseError, match="holds a Git LFS pointer"):
        monorepo.used(monorepo.resolve("main"), ["rates.bin"])


def test_files_are_read_as_far_as_they_are_there(monorepo: SourceRepository) -> None:
    commit = monorepo.resolve("main").commit
    asked = ["shop/pipeline.yaml", "cart/pipeline.yaml", "gone/pipeline.yaml", "go.work"]
    assert monorepo.read(commit, asked) == {"shop/pipeline.yaml": b"app: a\n", "go.work": b"1\n"}


def test_which_paths_differ_is_told_for_each_commit(
    origin: Origin, monorepo: SourceRepository, first: str
) -> None:
    second = monorepo.resolve("main").commit
    third = origin.commit({"cart/app.py": b"2\n", "libs/money/b.py": b"1\n"})
    paths = ["shop", "cart", "libs/money", "gone", "go.work"]
    asked = {first: paths, second: paths, third: paths, "0" * 40: paths}
    assert monorepo.differing(asked, third) == {
        first: {"shop", "cart", "libs/money", "go.work"},
        second: {"cart", "libs/money"},
        third: set(),
    }
