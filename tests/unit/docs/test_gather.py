from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from docs.gather import CONFIG, ROOT, gather


class Fetched(HTMLParser):
    """What a browser fetches for a page: all that it names but links for people."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            named = (value for name, value in attrs if name in {"src", "srcset", "href", "data"})
            self.addresses += filter(None, named)

    def elsewhere(self) -> list[str]:
        return [each for each in self.addresses if re.match(r"([a-z]+:)?//", each)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of this repository, as `make docs` builds it: strictly."""
    folder = tmp_path_factory.mktemp("site")
    gather(ROOT, folder)
    build = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file"]
    done = subprocess.run(
        [*build, folder / "zensical.toml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


def test_the_site_has_every_page_and_what_the_pages_link_to(site: Path) -> None:
    pages = {
        "index.html": "Your own app in five minutes",
        "docs/setup.html": "warm-process",
        "docs/adr/index.html": "The ops repository is the only way into an environment",
        "flows/release.py.html": "checkout",
        "examples/hello.html": "EXPOSE",
    }
    assert [page for page, words in pages.items() if words not in (site / page).read_text()] == []
    listed = {page.relative_to(site).with_suffix("") for page in site.glob("docs/**/*.html")}
    written = {page.relative_to(ROOT).with_suffix("") for page in ROOT.glob("docs/**/*.md")}
    assert {
        each.with_name("index") if each.name == "README" else each for each in written
    } <= listed
    # What is not indented enough for the item of a list stays as it was typed.
    assert [page for page in listed if "|---" in (site / f"{page}.html").read_text()] == []


def test_a_reader_of_the_site_asks_nobody_else(site: Path) -> None:
    pages = {page: Fetched(page) for page in site.rglob("*.html")}
    assert all(page.addresses for page in pages.values())
    assert {page: found.elsewhere() for page, found in pages.items() if found.elsewhere()} == {}
    for style in site.rglob("*.css"):
        assert re.findall(r"url\(['\"]?(?:https?:)?//|@import", style.read_text("utf-8")) == []


def repository(folder: Path, page: str) -> Path:
    """A repository with one page, and a source that it may link to."""
    (folder / "docs").mkdir()
    (folder / CONFIG).touch()
    (folder / "README.md").write_text(page)
    (folder / "flow.py").write_text("flow = 1\n")
    return folder


def test_a_source_that_is_linked_to_becomes_a_page(tmp_path: Path) -> None:
    gather(
        repository(tmp_path, "[a](flow.py) [b](https://example.org/c) [d](#e)"), tmp_path / "site"
    )
    pages = tmp_path / "site" / "pages"
    assert (pages / "README.md").read_text() == "[a](flow.py.md) [b](https://example.org/c) [d](#e)"
    assert (pages / "flow.py.md").read_text() == "# flow.py\n\n````py\nflow = 1\n````\n"


@pytest.mark.parametrize("link", ["[a](gone.py)", "[a](gone.md#b)", "![a](docs/gone.png)"])
def test_a_link_to_nothing_is_refused(tmp_path: Path, link: str) -> None:
    with pytest.raises(FileNotFoundError, match="gone"):
        gather(repository(tmp_path, link), tmp_path / "site")
