from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shipway.checkout import check_build_secrets, check_runners, keep_only, read_code
from shipway.errors import RefuseError
from shipway.git.revision import Revision

ORIGIN = "https://git.example.org/shop at c1, folder ."
REVISION = Revision(
    commit="c1", tree="t1", author="Ada", subject="change", at=datetime(2026, 11, 24, tzinfo=UTC)
)
PIPELINE = """\
app: shop
tests: {layers: {unit: {command: [pytest], runner: process, reads: [src]}}}
"""


def refusal(folder: Path) -> RefuseError:
    with pytest.raises(RefuseError) as caught:
        read_code("shop", REVISION, folder, ORIGIN)
    return caught.value


def test_a_checkout_is_read_with_its_pipeline(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    code = read_code("shop", REVISION, tmp_path, ORIGIN)
    assert (code.app, code.revision, code.folder) == ("shop", REVISION, tmp_path)
    assert list(code.pipeline.tests.layers) == ["unit"]


def test_processes_on_the_worker_are_refused_unless_the_platform_team_allows_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    code = read_code("shop", REVISION, tmp_path, ORIGIN)
    with pytest.raises(RefuseError, match="may not run as processes") as caught:
        check_runners(code, allows_processes=False)
    assert caught.value.facts["where"] == "pipeline.yaml@c1: runner of unit"
    assert "block source-repository/shop" in str(caught.value.facts["remedy"])
    check_runners(code, allows_processes=True)


def test_tests_in_containers_need_no_permission(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.replace(", runner: process, reads: [src]", ""))
    check_runners(read_code("shop", REVISION, tmp_path, ORIGIN), allows_processes=False)


@pytest.mark.parametrize("field", ["secrets", "ssh"])
def test_a_build_reads_no_secret_that_the_platform_team_has_not_given_the_app(
    tmp_path: Path, field: str
) -> None:
    image = f"image: {{{field}: {{default: npm, other: vault}}}}\n"
    tests = "tests: {layers: {unit: {command: [pytest]}}}\n"
    (tmp_path / "pipeline.yaml").write_text(f"app: shop\n{image}{tests}")
    code = read_code("shop", REVISION, tmp_path, ORIGIN)
    check_build_secrets(code, ["vault", "npm"])
    with pytest.raises(RefuseError, match="may not read these secrets") as caught:
        check_build_secrets(code, ["npm"])
    assert (caught.value.facts["expected"], caught.value.facts["got"]) == (
        "Secret blocks of the app: npm",
        "vault",
    )
    assert "block source-repository/shop" in str(caught.value.facts["remedy"])
    with pytest.raises(RefuseError, match="may not read these secrets") as caught:
        check_build_secrets(code, [])
    assert caught.value.facts["got"] == "npm, vault"


def test_without_a_pipeline_nothing_is_built(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert (error.what, error.facts["where"]) == ("There is no pipeline.yaml.", ORIGIN)


def test_a_link_is_no_pipeline(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(PIPELINE)
    (tmp_path / "pipeline.yaml").symlink_to(tmp_path / "secret")
    assert refusal(tmp_path).what == "There is no pipeline.yaml."


def test_the_pipeline_of_another_app_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.replace("shop", "cart"))
    error = refusal(tmp_path)
    assert error.what == "The pipeline.yaml is another app's."
    assert (error.facts["expected"], error.facts["got"]) == ("app: shop", "app: cart")


def test_a_layer_that_reads_what_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    error = refusal(tmp_path)
    assert error.what == "A layer reads what is not there."
    assert error.facts["where"] == "pipeline.yaml@c1: tests.layers.unit.reads"
    assert error.facts["got"] == "src"


def tree(root: Path) -> list[str]:
    return sorted(
        str(each.relative_to(root))
        for each in root.rglob("*")
        if each.is_symlink() or not each.is_dir()
    )


def test_a_checkout_is_left_with_what_an_app_uses(tmp_path: Path) -> None:
    kept = ["go.work", "libs/money/a/rates.py", "libs/money/money.py", "services/cart/cart.py"]
    for name in (*kept, "README", "libs/mail/mail.py", "libs/money.py", "services/web/web.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "libs/link").symlink_to("money")
    keep_only(tmp_path, ["services/cart", "libs/money", "go.work"])
    assert tree(tmp_path) == kept
    assert not (tmp_path / "services/web").exists()
    keep_only(tmp_path, [".", "libs/money"])
    assert tree(tmp_path) == kept


def test_an_image_may_be_built_from_the_root_of_the_repository(tmp_path: Path) -> None:
    folder = tmp_path / "services" / "shop"
    folder.mkdir(parents=True)
    uses = "uses: [libs/money]\nimage: {context: /}\n"
    (folder / "src").mkdir()
    (folder / "pipeline.yaml").write_text(f"{PIPELINE}{uses}")
    assert read_code("shop", REVISION, folder, ORIGIN, "services/shop").context == tmp_path
    (folder / "pipeline.yaml").write_text(f"{PIPELINE}image: {{context: src}}\n")
    assert read_code("shop", REVISION, folder, ORIGIN, "services/shop").context == folder / "src"
