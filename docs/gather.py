"""What the documentation site is built of: `python -m docs.gather FOLDER`, by `make docs`.

The pages keep their places, so that a link between two of them is the same here as on a forge. What
else they link to, such as a flow or the folder of an example, becomes a page that shows it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("*.md", "docs/**/*.md", "bench/*.md", "tests/*.md")
ASSETS = ("docs/**/*.png", "docs/*.css")
CONFIG = "docs/zensical.toml"
# A link to a place in the repository, up to its anchor; no address.
LINK = re.compile(r"\]\((?![a-z]+:|#)(?P<target>[^)#\s]+)")


def gather(root: Path, folder: Path) -> None:
    """Fill a folder anew with what zensical builds the site of a repository from.

    Raises:
        FileNotFoundError: A page links to something that is not there.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shown: set[Path] = set()
    for page in _matching(root, PAGES):
        text, sources = _linked(page)
        shown |= sources
        _write(folder / "pages" / page.relative_to(root), text)
    for source in shown:
        place = source.relative_to(root)
        _write(folder / "pages" / f"{place}.md", f"# {place}\n\n{_shown(source)}")
    for asset in _matching(root, ASSETS):
        target = folder / "pages" / asset.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(asset, target)
    shutil.copy(root / CONFIG, folder)


def _matching(root: Path, patterns: tuple[str, ...]) -> list[Path]:
    return [file for pattern in patterns for file in root.glob(pattern)]


def _linked(page: Path) -> tuple[str, set[Path]]:
    """The text of a page whose links to sources lead to their pages; and these sources."""
    sources: set[Path] = set()

    def link(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(page.parent / match["target"]))
        if not target.exists():
            raise FileNotFoundError(f"{page} links to {match['target']}, which is not there")
        if target.suffix in {".md", ".png"}:
            return match[0]
        sources.add(target)
        return f"{match[0].rstrip('/')}.md"

    return LINK.sub(link, page.read_text("utf-8")), sources


def _shown(source: Path) -> str:
    """A file as a block of code; of a folder, every file that Git has there."""
    if source.is_file():
        language = source.suffix.removeprefix(".") or "text"
        return f"````{language}\n{source.read_text('utf-8').rstrip()}\n````\n"
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=source, text=True)
    names = filter(None, listed.split("\0"))
    return "\n".join(f"## {name}\n\n{_shown(source / name)}" for name in names)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


if __name__ == "__main__":
    gather(ROOT, Path(sys.argv[1]))
