"""Where things are and their secrets: one Prefect block a file, described for the Prefect UI."""

from __future__ import annotations

from pydantic import HttpUrl

# Prefect's own blocks have their logos from there, at this commit. Prefect takes no `data:` URL:
# where a browser cannot reach this one, it shows that a picture is missing.
_LOGOS = (
    "https://raw.githubusercontent.com/PrefectHQ/prefect"
    "/420d0d6a78bb6df1fc18bcf188fdad43c1d22ea9/assets/block-logos"
)


def logo(name: str) -> HttpUrl:
    """A logo: a square picture of 256 pixels."""
    return HttpUrl(f"{_LOGOS}/{name}.png")
