from __future__ import annotations

import re

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from pydantic import ValidationError

from shipway.errors import RefuseError
from shipway.image_ref import ImageRef

DIGEST = "sha256:" + "0123456789abcdef" * 4

component = st.from_regex(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", fullmatch=True)
host = st.from_regex(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*(\.[A-Za-z0-9]+)*(:[0-9]{1,5})?", fullmatch=True)
repository = st.builds(
    lambda start, rest: "/".join([*start, *rest]),
    st.lists(host, max_size=1),
    st.lists(component, min_size=1, max_size=4),
)
tag = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True)
digest = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("shop", ("shop", None, None)),
        ("shop:1.2", ("shop", "1.2", None)),
        (f"shop@{DIGEST}", ("shop", None, DIGEST)),
        (f"reg.example.org/team/shop:v1@{DIGEST}", ("reg.example.org/team/shop", "v1", DIGEST)),
        ("localhost:5000/shop", ("localhost:5000/shop", None, None)),
        ("localhost:5000/shop:5000", ("localhost:5000/shop", "5000", None)),
        ("Reg.Example.org/shop", ("Reg.Example.org/shop", None, None)),
        ("my__app-x/sub.y", ("my__app-x/sub.y", None, None)),
    ],
)
def test_a_reference_is_read_as_its_parts(
    text: str, parts: tuple[str, str | None, str | None]
) -> None:
    found = ImageRef.parse(text)
    assert (found.repository, found.tag, found.digest) == parts


@pytest.mark.parametrize(
    "text",
    [
        "team/Shop",
        "shop:",
        "shop:" + "x" * 129,
        "shop: v1",
        "shop:v1\n",
        "shop@sha256:abc",
        f"shop@{DIGEST}0",
        f"shop@{DIGEST.upper()}",
        "shop@md5:" + "0" * 32,
        "-shop",
        "shop-",
        "/shop",
        "shop/",
        "https://reg/shop",
        "reg:port/shop",
    ],
)
def test_what_is_no_reference_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(RefuseError) as caught:
        ImageRef.parse(text)
    assert caught.value.what == "Not an image reference."
    assert caught.value.facts["expected"] == "repository[:tag][@sha256:<64 hex>]"
    assert caught.value.facts["got"] == text


def test_an_empty_reference_is_refused() -> None:
    with pytest.raises(RefuseError, match=r"^Not an image reference\."):
        ImageRef.parse("")


@pytest.mark.parametrize("text", ["a..b", "a//b", "a___b", "a_-b", "é/a", "a:٣", "a-/b", "_/b"])
def test_what_the_oci_grammar_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(RefuseError):
        ImageRef.parse(text)


@given(repository=repository, tag=st.none() | tag, digest=st.none() | digest)
def test_parse_reads_back_what_str_writes(
    repository: str, tag: str | None, digest: str | None
) -> None:
    image = ImageRef(repository=repository, tag=tag, digest=digest)
    assert ImageRef.parse(str(image)) == image


NEARLY = (
    r"[a-z0-9][a-z0-9.-]{0,5}(:[0-9]{1,5}/)?[a-z0-9/._-]{0,9}(:[\w.-]{1,9})?(@sha256:[0-9a-f]{64})?"
)


@given(st.from_regex(re.compile(NEARLY, re.ASCII), fullmatch=True))
def test_str_writes_back_what_parse_reads(text: str) -> None:
    try:
        image = ImageRef.parse(text)
    except RefuseError:
        reject()
    assert str(image) == text


def test_pinned_drops_the_tag_and_keeps_the_digest() -> None:
    assert str(ImageRef.parse(f"reg/shop:v1@{DIGEST}").pinned()) == f"reg/shop@{DIGEST}"


def test_an_image_without_a_digest_cannot_be_pinned() -> None:
    with pytest.raises(RefuseError) as caught:
        ImageRef.parse("reg/shop:v1").pinned()
    assert str(caught.value) == (
        "The image has no digest yet.\n  where:     reg/shop:v1\n  expected:  a pushed image"
    )


def test_a_reference_cannot_be_changed_in_place() -> None:
    image = ImageRef.parse("shop:1")
    with pytest.raises(ValidationError, match="frozen"):
        image.tag = "2"
