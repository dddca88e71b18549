from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench.gitops.shapes import DIGEST, IMAGE, PINNED, SHAPES, Shape
from shipway.documents.yaml_text import LARGEST_EXPANSION, REMEDY
from shipway.errors import RefuseError
from shipway.image_ref import ImageRef
from shipway.manifests import (
    Kind,
    field_at,
    image_at,
    set_field,
    set_image,
)
from shipway.manifests.pointer import scalar_at
from shipway.manifests.scalar import replace
from shipway.manifests.source import read_source

UNTOUCHED = "the file and the ops repository"
FILE = "prod/shop/web.yaml"


def manifest(image: str) -> str:
    return f"kind: Deployment\nspec:\n  containers:\n  - name: web\n    image: {image}\n"


def edit(text: str, image: ImageRef = IMAGE) -> bytes:
    return set_image(text.encode(), "container", "web", image, FILE)


def refusal(text: str, kind: Kind = "container", name: str = "web") -> RefuseError:
    with pytest.raises(RefuseError) as caught:
        set_image(text.encode(), kind, name, IMAGE, FILE)
    assert caught.value.facts["untouched"] == UNTOUCHED
    return caught.value


def values(text: str) -> list[Any]:
    return list(yaml.load_all(text, yaml.CBaseLoader))


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for pair in value.items() for part in pair for leaf in leaves(part)]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.title)
def test_only_the_scalars_bytes_change(shape: Shape) -> None:
    assert set_image(shape.before, shape.kind, shape.name, IMAGE, FILE) == shape.after


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.title)
def test_only_the_scalars_values_change(shape: Shape) -> None:
    after = set_image(shape.before, shape.kind, shape.name, IMAGE, FILE)
    before, now = (leaves(values(text.decode("utf-8-sig"))) for text in (shape.before, after))
    assert len(before) == len(now)
    changed = [new for old, new in zip(before, now, strict=True) if old != new]
    assert len(changed) == shape.scalars
    assert DIGEST in "".join(changed)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.title)
def test_the_same_image_again_changes_nothing(shape: Shape) -> None:
    assert set_image(shape.after, shape.kind, shape.name, IMAGE, FILE) == shape.after
    assert image_at(shape.after, shape.kind, shape.name, FILE).endswith(f"@{DIGEST}")


@pytest.mark.parametrize(
    ("kind", "name", "text", "image"),
    [
        ("container", "web", manifest("a:1"), "a:1"),
        ("kustomize", "a", "images: [{name: a, newTag: v1}]", "a:v1"),
        ("kustomize", "a", "images: [{name: a, newName: b, newTag: v1, digest: d}]", "b:v1@d"),
        ("kustomize", "a", "images: [{name: a}]", "a"),
        ("helm", "/image", "image: {registry: r, repository: a, tag: v1}", "r/a:v1"),
        ("helm", "/image", "image: {repository: a, tag: '', digest: ''}", "a"),
        ("helm", "/web/0", "web: ['a:1']", "a:1"),
    ],
)
def test_the_image_is_read_as_it_stands(kind: Kind, name: str, text: str, image: str) -> None:
    assert image_at(text.encode(), kind, name, FILE) == image


def test_a_file_of_ten_megabytes_is_edited_like_any_other() -> None:
    text = manifest("a:1") + "".join(f"key-{n}: {'x' * 1000} # {n}\n" for n in range(10_000))
    assert len(text) > 10_000_000
    assert edit(text).decode() == text.replace("a:1", PINNED)


def test_two_containers_of_one_file_are_edited_one_after_the_other() -> None:
    text = "containers: [{name: web, image: a:1}, {name: job, image: a:1}]\n"
    first = set_image(text.encode(), "container", "job", IMAGE, FILE)
    second = set_image(first, "container", "web", IMAGE, FILE)
    assert second.decode() == text.replace("a:1", PINNED)


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("kind: A\n", "none"),
        ("", "none"),
        ("containers: [{name: other, image: a}]\n", "none"),
        ("containers: [{name: web}]\n", "none"),
        ("containers: [{name: web, image: [a]}]\n", "none"),
        ("containers: {name: web, image: a}\n", "none"),
        ("volumes: [{name: web, image: a}]\n", "none"),
        ("base: &b {image: a}\ncontainers: [{name: web, <<: *b}]\n", "none"),
        (manifest("a:1") + "---\n" + manifest("a:2"), "line 5, line 11"),
        ("initContainers:\n- {name: web, image: a}\ncontainers:\n- {name: web, image: a}\n",
         "line 2, line 4"),
    ],
)  # fmt: skip
def test_no_container_or_two_of_them_is_refused_with_the_lines(text: str, got: str) -> None:
    assert str(refusal(text)) == (
        "No single container 'web' with an image.\n"
        "  where:     prod/shop/web.yaml\n"
        "  expected:  exactly one\n"
        f"  got:       {got}\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


@pytest.mark.parametrize("value", ['"{{ .Values.image }}"', "'a:{{ tag }}'", "registry/${NAME}"])
def test_a_template_in_the_value_is_refused(value: str) -> None:
    assert str(refusal(manifest(value))) == (
        "The value is a template.\n"
        "  where:     prod/shop/web.yaml:5\n"
        "  expected:  a plain value\n"
        f"  got:       {value.strip(chr(39) + chr(34))}\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


@pytest.mark.parametrize("value", ["|\n      a:1", ">\n      a:1", "|-\n      a\n      b", "|-"])
def test_a_block_that_is_not_one_line_is_refused(value: str) -> None:
    error = refusal(manifest(value))
    assert error.what in {"The value is a block of lines.", "There is no value to replace."}
    assert error.facts["where"] == "prod/shop/web.yaml:5"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (manifest("&image a:1") + "other: *image\n", 5),
        ("other: &image a:1\n" + manifest("*image"), 1),
        ("base: &b\n  name: web\n  image: a:1\ncontainers:\n- *b\n", 3),
        ("base: &b\n  containers: [{name: web, image: a}]\ncopy: *b\n", 2),
        ("base: &b\n  containers: [{name: web, image: a}]\ncopy: {<<: *b}\n", 2),
    ],
    ids=["shared anchor", "alias", "shared container", "shared list", "merged list"],
)
def test_a_value_that_an_alias_shares_is_refused(text: str, line: int) -> None:
    assert str(refusal(text)) == (
        "The value cannot change alone.\n"
        f"  where:     prod/shop/web.yaml:{line}\n"
        "  expected:  a value of its own\n"
        "  got:       an anchor that other fields share through an alias\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


@pytest.mark.parametrize(
    ("text", "where", "got"),
    [
        ("a: 'x\n", "prod/shop/web.yaml:2", "found unexpected end of stream"),
        ("\ta: 1\n", "prod/shop/web.yaml:1", "found character that cannot start any token"),
        ("{{ if x }}\n" + manifest("a"), "prod/shop/web.yaml:2", "a template"),
        ("{{- include }}\n", "prod/shop/web.yaml:1", "a template"),
        (
            "a: \x07",
            "prod/shop/web.yaml",
            "unacceptable character #x0007: control characters are not allowed\n"
            '               in "<unicode string>", position 3',
        ),
    ],
    ids=["open quote", "tab", "template", "template alone", "control character"],
)
def test_what_is_no_yaml_is_refused(text: str, where: str, got: str) -> None:
    assert str(refusal(text)) == (
        "Not valid YAML.\n"
        f"  where:     {where}\n"
        "  expected:  plain YAML\n"
        f"  got:       {got}\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(RefuseError) as caught:
        set_image(b"a: \xff", "container", "web", IMAGE, FILE)
    assert str(caught.value) == (
        "Not UTF-8.\n"
        f"  where:     {FILE}\n"
        "  expected:  UTF-8 text\n"
        "  got:       'utf-8' codec can't decode byte 0xff in position 3: invalid start byte\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


@pytest.mark.parametrize(
    "text",
    ["deep: " + "[" * 100_000, "\n".join(" " * depth + "a:" for depth in range(500))],
    ids=["flow", "block"],
)
def test_a_file_that_nests_too_deep_is_refused(text: str) -> None:
    assert refusal(text).facts["got"] == "lists or mappings that nest too deep"


def test_aliases_that_multiply_are_refused_before_they_do() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
    )
    error = refusal(bomb + manifest("a:1"))
    assert error.facts["expected"] == f"aliases that add at most {LARGEST_EXPANSION} nodes"


def test_an_anchor_that_holds_itself_is_refused() -> None:
    error = refusal("loop: &l {self: *l}\n" + manifest("a:1"))
    assert (error.facts["where"], error.facts["got"]) == (f"{FILE}:1", "*l inside itself")


@pytest.mark.parametrize("value", ["", "# none yet"])
def test_an_empty_value_is_refused_for_what_it_is(value: str) -> None:
    assert refusal(manifest(value)).what == "There is no value to replace."


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("containers:\n- name: web\n  image: a\n  image: b\n", "image", 4),
        ("spec: {containers: [{name: web, image: a}]}\nspec: {containers: []}\n", "spec", 2),
    ],
)
def test_a_key_that_stands_twice_is_refused(text: str, key: str, line: int) -> None:
    error = refusal(text)
    assert error.what == f"The key {key!r} stands twice."
    assert error.facts["where"] == f"prod/shop/web.yaml:{line}"


@pytest.mark.parametrize(
    ("kind", "name", "text", "what", "got"),
    [
        ("kustomize", "a", "images: []", "No single entry 'a' in 'images'.", "none"),
        ("kustomize", "a", "images: [{name: a}, {name: a}]", "No single entry 'a' in 'images'.",
         "line 1, line 1"),
        ("kustomize", "a", "images: [{name: a, newTag: x}]", "The image has another name.", "a"),
        ("kustomize", "a", "images: [{name: a, newTag: [x]}]",
         "The field 'newTag' is no single value.", "a list or mapping"),
        ("helm", "/image", "image: {tag: a}", "'/image' is no image.", None),
        ("helm", "/image", "image: [a]", "'/image' is no image.", None),
        ("helm", "/image", "image: {repository: a, name: b}", "'/image' is no image.",
         "repository, name"),
        ("helm", "/image", "image: {repository: a}", "The digest has no place.", "neither"),
        ("helm", "/image", "image: {repository: a, tag: }", "There is no value to replace.",
         "nothing"),
        ("helm", "/web/image", "image: a", "There is no '/web/image'.", "'web'"),
        ("helm", "/a/3", "a: [x]", "There is no '/a/3'.", "'3'"),
        ("helm", "image", "image: a", "Not a place in this file.", "image"),
        ("helm", "/image", "", "Not a place in this file.", "document 0"),
        ("helm", "/image", "image: '{{ .Values.x }}'", "The value is a template.",
         "{{ .Values.x }}"),
    ],
)  # fmt: skip
def test_a_place_that_cannot_take_the_image_is_refused(
    kind: Kind, name: str, text: str, what: str, got: str | None
) -> None:
    error = refusal(text, kind, name)
    assert (error.what, error.facts["got"]) == (what, got)


def set_at(text: bytes, pointer: str, value: str | int, document: int = 0) -> bytes:
    """The file with another value at a JSON Pointer into one of its documents."""
    source = read_source(text, FILE)
    return replace(source, [(scalar_at(source, pointer, source.documents[document]), value)])


@pytest.mark.parametrize(
    ("pointer", "value", "before", "after"),
    [
        ("/spec/replicas", 5, "spec: {replicas: 3} # three", "spec: {replicas: 5} # three"),
        ("/spec/replicas", 5, 'spec: {replicas: "3"}', 'spec: {replicas: "5"}'),
        ("/a/1/weight", 0, "a:\n- weight: 9\n- weight: 10", "a:\n- weight: 9\n- weight: 0"),
        ("/selector/color", "green", "selector: {color: blue}", "selector: {color: green}"),
        ("/selector/color", "1", "selector: {color: blue}", 'selector: {color: "1"}'),
        ("/tag", "1.10", "tag: v1", 'tag: "1.10"'),
        ("/tag", "yes", "tag: v1", 'tag: "yes"'),
        ("/a~1b/~0", 2, "a/b: {~: 1, '~': 1}", None),
        ("/a~1b/~0", 2, "a/b: {'~': 1}", "a/b: {'~': 2}"),
    ],
)
def test_any_scalar_is_set_by_its_path(
    pointer: str, value: str | int, before: str, after: str | None
) -> None:
    if after is None:
        with pytest.raises(RefuseError, match="stands twice"):
            set_at(before.encode(), pointer, value)
        return
    assert set_at(before.encode(), pointer, value).decode() == after


def test_a_path_is_read_in_the_document_that_is_meant() -> None:
    text = b"a: 1\n---\na: 1\n"
    assert set_at(text, "/a", 2, document=1) == b"a: 1\n---\na: 2\n"


@pytest.mark.parametrize("value", ["a b", "-a", "a:", "a\n", "a #b", "a'b", "{a}", "*a", "", "é"])
def test_a_new_value_that_needs_more_than_a_word_is_refused(value: str) -> None:
    with pytest.raises(RefuseError, match="more than one plain word"):
        set_at(b"a: x", "/a", value)


def test_a_path_to_a_list_is_refused() -> None:
    with pytest.raises(RefuseError, match="'/a' is no single value"):
        set_at(b"a: [x]", "/a", "y")


@dataclass(frozen=True)
class Written:
    """A generated file, cut at the scalar that the edit is for."""

    before: str
    scalar: str
    after: str

    @property
    def text(self) -> str:
        return self.before + self.scalar + self.after


word = st.from_regex(r"[a-z][a-z0-9./-]{0,15}[a-z0-9]", fullmatch=True)
comment = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=20)
value = st.one_of(
    word,
    word.map(lambda text: f"'{text}'"),
    word.map(lambda text: f'"{text}"'),
    st.sampled_from(
        ["1.10", "yes", "0o17", "~", "[a, 'b', {c: d}]", "'it''s'", '"\\u00e9 \\"q\\""', "!!str 1"]
    ),
    st.just("|\n    several\n\n    lines"),
)
spaces = st.integers(1, 4).map(lambda count: " " * count)
remark = st.one_of(st.just(""), st.builds(lambda space, text: f"{space}# {text}", spaces, comment))


def noise(prefix: str) -> st.SearchStrategy[list[str]]:
    """Lines around the container; `prefix` keeps the keys of one document apart."""
    line = st.one_of(
        st.just(""),
        comment.map(lambda text: f"# {text}"),
        st.builds(lambda key, text: f"{prefix}-{key}: {text}", word, value),
    )
    return st.lists(line, max_size=4, unique_by=lambda line: line.partition(":")[0])


@st.composite
def files(draw: st.DrawFn) -> Written:
    """YAML of one to three documents with one container called web."""
    quote = draw(st.sampled_from(["", "'", '"']))
    anchor = draw(st.sampled_from(["", "&image ", "!!str "]))
    image = draw(word) + ":" + draw(word)
    dash = draw(st.sampled_from(["- ", "  - ", "-   "]))
    inner = " " * len(dash)
    lines = draw(noise("a"))
    lines += ["containers:", f"{dash}name: other", f"{inner}image: {image}"]
    name = "name: " + draw(st.sampled_from(["web", "'web'", '"web"'])) + draw(remark)
    head = f"image:{draw(spaces)}{anchor}"
    tail = draw(remark)
    if draw(st.booleans()):
        begin, end = [f"{dash}{name}"], f"{inner}{head}"
        rest = [f"{inner}args: [--image, {image}]"]
    else:
        begin, end = [], f"{dash}{head}"
        rest = [f"{inner}{name}"]
    before = "\n".join([*lines, *begin, end])
    after = "\n".join([tail, *rest, *draw(noise("b"))])
    for document in draw(st.lists(noise("c"), max_size=1)):
        before = "\n".join([*document, "---", before])
    for document in draw(st.lists(noise("c"), max_size=1)):
        after = "\n".join([after, draw(st.sampled_from(["---", "...\n---"])), *document])
    if draw(st.booleans()):
        after += "\n"
    written = Written(before, f"{quote}{image}{quote}", after)
    if draw(st.booleans()):
        crlf = (part.replace("\n", "\r\n") for part in (before, written.scalar, after))
        written = Written(*crlf)
    return written


@given(written=files())
def test_every_byte_outside_the_scalar_stays(written: Written) -> None:
    quote = written.scalar[0] if written.scalar[0] in "'\"" else ""
    expected = written.before + quote + PINNED + quote + written.after
    assert edit(written.text) == expected.encode()


@given(written=files())
def test_every_other_value_stays(written: Written) -> None:
    before, after = values(written.text), values(edit(written.text).decode())
    holders = [one for one in before if isinstance(one, dict) and "containers" in one]
    assert len(holders) == 1
    assert holders[0]["containers"][1]["name"] == "web"
    holders[0]["containers"][1]["image"] = PINNED
    assert after == before


@given(written=files())
def test_a_second_edit_finds_nothing_to_do(written: Written) -> None:
    once = edit(written.text)
    assert once != written.text.encode()
    assert edit(once.decode()) == once


@given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_other_bytes_are_refused_and_nothing_else(content: bytes) -> None:
    with pytest.raises(RefuseError) as caught:
        set_image(content, "container", "web", IMAGE, FILE)
    assert caught.value.facts["untouched"] == UNTOUCHED


OBJECTS = b"""\
kind: Service
metadata: {name: web}
spec: {selector: {colour: blue}}  # switch
---
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
"""


def test_a_field_is_found_by_its_object_and_set_alone() -> None:
    assert field_at(OBJECTS, "Deployment/web", "/spec/replicas", FILE) == 3
    assert field_at(OBJECTS, "Service/web", "/spec/selector/colour", FILE) == "blue"
    after = set_field(OBJECTS, "Service/web", "/spec/selector/colour", "green", FILE)
    assert after == OBJECTS.replace(b"blue", b"green")
    after = set_field(OBJECTS, "Deployment/web", "/spec/replicas", 0, FILE)
    assert after == OBJECTS.replace(b"replicas: 3", b"replicas: 0")


def test_an_object_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(RefuseError, match="There is no Deployment/other") as caught:
        field_at(OBJECTS, "Deployment/other", "/spec/replicas", FILE)
    assert caught.value.facts["got"] == "Service/web, Deployment/web"
