"""Whatever the file looks like, an edit changes the value that it is for and no other byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench.gitops.shapes import DIGEST, IMAGE, REPOSITORY, TAG
from shipway.documents.yaml_text import reads_as_text
from shipway.manifests import Value, field_at, set_field, set_image

FILE = "prod/shop/all.yaml"
TITLE = "Widget/target"


@dataclass(frozen=True)
class File:
    """A file in two halves: what stands before the place that an edit is for, and behind it."""

    before: str
    after: str
    flow: bool
    crlf: bool
    mark: bool

    def bytes_with(self, place: str) -> bytes:
        text = f"{self.before}{place}{self.after}"
        text = text.replace("\n", "\r\n") if self.crlf else text
        return (("\ufeff" if self.mark else "") + text).encode()


words = st.from_regex(r"[a-z][a-z0-9./-]{0,8}[a-z]", fullmatch=True)
remarks = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=12)
comments = st.one_of(st.just(""), remarks.map(lambda text: f"  # {text}"))
flow_values = st.one_of(
    words,
    words.map(lambda text: f"'{text}: it''s, #{text}'"),
    words.map(lambda text: f'"\\u00e9 {{{text}}}"'),
    st.sampled_from(["1.10", "~", "yes", "[a, {b: c}]", "!!str 1", "&anchor x", "&list [1, 2]"]),
)
block_values = st.one_of(
    flow_values,
    st.sampled_from(
        ["|\nINDENT  two\n\nINDENT  lines", ">-\nINDENT  one", "\nINDENT- a\nINDENT- b: c"]
    ),
)


def lines(draw: st.DrawFn, prefix: str, indent: str, *, flow: bool = False) -> list[str]:
    """Fields, comments and empty lines; `prefix` keeps the keys of a mapping apart."""
    made: list[str] = []
    for number in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            made.append(draw(st.sampled_from(["", f"{indent}# {draw(remarks)}"])))
        value = draw(flow_values if flow else block_values).replace("INDENT", indent)
        # An anchor may stand once a document.
        value = value.replace("anchor", f"{prefix}{number}").replace("&list", f"&l{prefix}{number}")
        ending = "," if flow else ""
        tail = "" if not flow and "\n" in value else draw(comments)
        made.append(f"{indent}{prefix}{number}: {value}{ending}{tail}")
    return made


def other_document(draw: st.DrawFn, name: str) -> str:
    head = ["kind: Widget", f"metadata: {{name: other-{name}}}"]
    return "\n".join([*lines(draw, "x", ""), *head, *lines(draw, "y", "")])


@st.composite
def files(draw: st.DrawFn) -> File:
    """One to three documents; the place is a value of a mapping in block or in flow style."""
    flow, step = draw(st.booleans()), " " * draw(st.integers(1, 4))
    kind = [
        "kind: Widget",
        draw(st.sampled_from(["metadata: {name: target}", "metadata:\n  name: target"])),
    ]
    before, after = [*lines(draw, "a", ""), *kind, *lines(draw, "b", "")], lines(draw, "e", "")
    if flow and draw(st.booleans()):
        before.append("spec: {" + draw(st.sampled_from(["", "k: [1], "])))
        after = [draw(st.sampled_from(["", ", more: 1"])) + "}" + draw(comments), *after]
        texts = "\n".join(before), "\n".join(after)
    elif flow:
        last = draw(st.sampled_from(["", ","]))
        inner = lines(draw, "d", step, flow=True)
        before += ["spec: {", *lines(draw, "c", step, flow=True), step]
        after = [("," if inner else last) + draw(comments), *inner, f"{step}}}", *after]
        texts = "\n".join(before), "\n".join(after)
    else:
        before += ["spec:" + draw(comments), *lines(draw, "c", step), step]
        after = [draw(comments), *lines(draw, "d", step), *after]
        texts = "\n".join(before), "\n".join(after)
    start, end = texts
    if draw(st.booleans()):
        start = f"{other_document(draw, 'first')}\n---\n{start}"
    if draw(st.booleans()):
        line = draw(st.sampled_from(["---", "...\n---"]))
        end = f"{end}\n{line}\n{other_document(draw, 'last')}"
    end += draw(st.sampled_from(["", "\n"]))
    return File(start, end, flow, draw(st.booleans()), draw(st.booleans()))


new_values = st.one_of(
    st.from_regex(r"[A-Za-z0-9_.+~][A-Za-z0-9._+:~-]{0,8}[a-z0-9]|[a-z0-9~]", fullmatch=True),
    st.sampled_from(["1e3", "0123489", "y", "no", "null", "~", "0x1F", "12:30:45", "2001-01-01"]),
    st.integers(0, 10**9),
)


def texts(content: bytes) -> list[Any]:
    """The documents, each value as its text."""
    return list(yaml.load_all(content.decode("utf-8-sig"), yaml.CBaseLoader))


def spec_of(documents: list[Any]) -> dict[str, Any]:
    (spec,) = (one["spec"] for one in documents if one["metadata"] == {"name": "target"})
    return spec


@given(file=files(), old=st.sampled_from(["old", "'old'", '"old"', "&t old", "7"]), new=new_values)
def test_a_value_is_set_and_no_other_byte_changes(file: File, old: str, new: Value) -> None:
    if isinstance(new, int) and old != "7":
        old = "7"
    elif isinstance(new, str) and old == "7":
        old = "old"
    before = file.bytes_with(f"place: {old}")
    after = set_field(before, TITLE, "/spec/place", new, FILE)
    quote = old[0] if old[0] in "'\"" else ""
    if isinstance(new, str) and not quote and not reads_as_text(new):
        quote = '"'
    lead = "&t " if old.startswith("&t") else ""
    assert after == file.bytes_with(f"place: {lead}{quote}{new}{quote}")
    expected = texts(before)
    spec_of(expected)["place"] = str(new)
    assert texts(after) == expected
    assert field_at(after, TITLE, "/spec/place", FILE) == new


@given(file=files(), add=st.sampled_from(["digest", "tag"]))
def test_a_field_is_added_and_no_byte_changes(file: File, add: str) -> None:
    entry = f"repository: {REPOSITORY}"
    before = file.bytes_with(entry)
    after = set_image(before, "helm", "/spec", IMAGE, FILE, TITLE, add)
    value = DIGEST if add == "digest" else f"{TAG}@{DIGEST}"
    expected = texts(before)
    spec_of(expected)[add] = value
    assert texts(after) == expected
    rest = iter(after)
    assert all(byte in rest for byte in before), "a byte is gone"
    breaks = after.count(b"\n") - before.count(b"\n")
    assert breaks <= 1
    # A comma or two, the line's indentation and its end.
    assert len(after) - len(before) <= len(f"{add}: {value}") + 8
    if file.crlf:
        assert after.count(b"\n") == after.count(b"\r\n")
    assert set_image(after, "helm", "/spec", IMAGE, FILE, TITLE, add) == after
