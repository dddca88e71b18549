from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from blocks.errors import Refuse
from blocks.manifests import Edit, images_of, set_image

NEW = "registry.example.org/shop@sha256:" + "0123456789abcdef" * 4
UNTOUCHED = "the file and the ops repository"


def manifest(image: str) -> str:
    return f"kind: Deployment\nspec:\n  containers:\n  - name: web\n    image: {image}\n"


def edit(text: str, image: str = NEW) -> Edit:
    return set_image(text.encode(), "web", image, "prod/shop/web.yaml")


def refusal(text: str, image: str = NEW) -> Refuse:
    with pytest.raises(Refuse) as caught:
        edit(text, image)
    return caught.value


# What follows `image:` before and after the edit; everything around it must stay.
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:1", NEW),
        ('"a:1"', f'"{NEW}"'),
        ("'a:1'", f"'{NEW}'"),
        ("a:1  # pinned by hand", f"{NEW}  # pinned by hand"),
        ("   a:1   ", f"   {NEW}   "),
        ("&image a:1", f"&image {NEW}"),
        ('&image "a:1"', f'&image "{NEW}"'),
        ("&image\n      a:1", f"&image\n      {NEW}"),
        ("!!str a:1", f"!!str {NEW}"),
        ("&image !!str a:1", f"&image !!str {NEW}"),
        ("\n      a:1", f"\n      {NEW}"),
        ("a\n      b", NEW),
        ('"a\\\n      b"', f'"{NEW}"'),
        ("1.10", NEW),
        ("~", NEW),
        ("yes", NEW),
        ("a#1", NEW),
    ],
)
def test_the_scalar_alone_is_replaced_in_its_own_quotes(before: str, after: str) -> None:
    assert edit(manifest(before)).content.decode() == manifest(after)


@pytest.mark.parametrize(
    "text",
    [
        "containers: [{name: web, image: a:1}]\n",
        "containers: [{image: a:1, name: web}]",
        'containers: [{"name": "web", "image": a:1, }]\n',
        "initContainers:\n- {name: web, image: a:1}\n",
        "%YAML 1.1\n---\ncontainers: [{name: web, image: a:1}]\n...\n",
        "--- # one\nkind: A\n---\n# empty\n---\ncontainers: [{name: web, image: a:1}]\n",
        "? [complex, key]\n: 1\ncontainers: [{name: web, image: a:1}]\n",
        "other: '{{ not ours }}'\ncontainers: [{name: web, image: a:1}]\n",
        "\ufeffcontainers: [{name: web, image: a:1}]\n",
        "# 😀 é \u2028containers: [{name: web, image: a:1}]\n",
        "containers:\r- name: web\r  image: a:1\r",
        "volumes: [{name: web, image: other}]\ncontainers: [{name: web, image: a:1}]\n",
        "containers: [{name: sidecar, image: other}, {name: web, image: a:1}]\n",
        "spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: web, image: a:1}]}}}}}",
    ],
)
def test_the_container_is_found_in_any_layout(text: str) -> None:
    assert edit(text).content.decode() == text.replace("a:1", NEW)


def test_json_is_edited_as_the_yaml_it_is() -> None:
    text = '{"containers":[{"name":"web","image":"a:1"}]}'
    assert edit(text).content.decode() == text.replace("a:1", NEW)


def test_an_edit_tells_line_and_values() -> None:
    found = edit("---\n" + manifest("'a:1'"))
    assert (found.line, found.before, found.after, found.changed) == (6, "a:1", NEW, True)


def test_the_same_value_again_changes_nothing() -> None:
    content = manifest(f'"{NEW}"  # here').encode()
    found = set_image(content, "web", NEW, "f.yaml")
    assert found.content == content
    assert not found.changed


def test_two_containers_of_one_file_are_edited_one_after_the_other() -> None:
    text = "containers: [{name: web, image: a:1}, {name: job, image: a:1}]\n"
    first = set_image(text.encode(), "job", NEW, "f.yaml").content
    second = set_image(first, "web", NEW, "f.yaml").content
    assert second.decode() == text.replace("a:1", NEW)


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
        (manifest("a:1") + "---\n" + manifest("a:2"), "line 5, line 11"),
        ("initContainers:\n- {name: web, image: a}\ncontainers:\n- {name: web, image: a}\n",
         "line 2, line 4"),
        ("base: &b\n  containers: [{name: web, image: a}]\ncopy: *b\n", "line 2, line 2"),
    ],
)  # fmt: skip
def test_no_container_or_two_of_them_is_refused_with_the_lines(text: str, got: str) -> None:
    assert str(refusal(text)) == (
        "No single container 'web'.\n"
        "  where:     prod/shop/web.yaml\n"
        "  expected:  exactly one with an image\n"
        f"  got:       {got}\n"
        f"  untouched: {UNTOUCHED}"
    )


@pytest.mark.parametrize("value", ['"{{ .Values.image }}"', "'a:{{ tag }}'", "registry/${NAME}"])
def test_a_template_in_the_value_is_refused(value: str) -> None:
    assert str(refusal(manifest(value))) == (
        "The value is a template.\n"
        "  where:     prod/shop/web.yaml:5\n"
        "  expected:  a plain value\n"
        f"  got:       {value.strip(chr(39) + chr(34))}\n"
        f"  untouched: {UNTOUCHED}"
    )


@pytest.mark.parametrize("style", ["|", ">"])
def test_a_block_scalar_is_refused(style: str) -> None:
    error = refusal(manifest(f"{style}-\n      a:1"))
    assert error.what == "The value is a block scalar."
    assert error.facts["where"] == "prod/shop/web.yaml:5"
    assert error.facts["got"] == f"style {style}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (manifest("&image a:1") + "other: *image\n", 5),
        ("other: &image a:1\n" + manifest("*image"), 1),
        ("base: &b\n  name: web\n  image: a:1\ncontainers:\n- *b\n", 3),
    ],
    ids=["shared anchor", "alias", "shared container"],
)
def test_a_value_that_cannot_change_alone_is_refused(text: str, line: int) -> None:
    assert str(refusal(text)) == (
        "The value cannot be replaced alone.\n"
        f"  where:     prod/shop/web.yaml:{line}\n"
        "  expected:  a scalar of its own\n"
        "  got:       an anchor that other fields share, or a value that the parser reads in "
        "another way\n"
        f"  untouched: {UNTOUCHED}"
    )


@pytest.mark.parametrize("value", ["null", "yes", "1.5", "0x1F"])
def test_a_new_value_that_yaml_takes_for_something_else_is_refused(value: str) -> None:
    assert refusal(manifest("a:1"), value).what == "The value cannot be replaced alone."


@pytest.mark.parametrize("value", ["a b", "-a", "a:", "a\n", "a #b", "a'b", 'a"b', "{a}", "*a", ""])
def test_a_new_value_that_is_no_image_is_refused(value: str) -> None:
    error = refusal(manifest("a:1"), value)
    assert error.what == "The new value cannot stand unquoted in YAML."
    assert (error.facts["expected"], error.facts["got"]) == ("an image", value)


@pytest.mark.parametrize(
    ("text", "where", "got"),
    [
        ("a: 'x\n", "prod/shop/web.yaml:2", "found unexpected end of stream"),
        ("\ta: 1\n", "prod/shop/web.yaml:1", "found character '\\t' that cannot start any token"),
        ("{{ if x }}\n" + manifest("a"), "prod/shop/web.yaml:2", "a template"),
        ("{{- include }}\n", "prod/shop/web.yaml:1", "a template"),
        (
            "a: \x07",
            "prod/shop/web.yaml",
            "unacceptable character #x0007: special characters are not allowed\n"
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
        f"  untouched: {UNTOUCHED}"
    )


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(Refuse) as caught:
        set_image(b"a: \xff", "web", NEW, "f.yaml")
    assert str(caught.value) == (
        "Not UTF-8.\n"
        "  where:     f.yaml\n"
        "  expected:  UTF-8 text\n"
        "  got:       'utf-8' codec can't decode byte 0xff in position 3: invalid start byte\n"
        f"  untouched: {UNTOUCHED}"
    )


@pytest.mark.parametrize("properties", ["!!str", "&image"])
def test_a_comment_between_properties_and_value_stays(properties: str) -> None:
    before = manifest(f"{properties} # why\n      a:1")
    assert edit(before).content.decode() == before.replace("a:1", NEW)


def test_an_anchor_that_holds_itself_is_edited_around() -> None:
    text = "loop: &l {self: *l}\n" + manifest("a:1")
    assert edit(text).content.decode() == text.replace("a:1", NEW)


def test_a_file_that_nests_too_deep_is_refused() -> None:
    assert refusal("deep: " + "[" * 2000).what == "Not valid YAML."


@pytest.mark.parametrize("value", ["", "# none yet"])
def test_an_empty_value_is_refused_for_what_it_is(value: str) -> None:
    error = refusal(manifest(value))
    assert error.what == "The value cannot be replaced alone."
    assert error.facts["got"] == "no value"


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


def test_images_of_lists_every_image_of_the_container_in_file_order() -> None:
    text = (
        manifest("a:1") + "---\ncontainers: [{name: job, image: x}, {name: web, image: '1.10'}]\n"
    )
    assert images_of(text.encode(), "web", "f.yaml") == ["a:1", "1.10"]
    assert images_of(text.encode(), "none", "f.yaml") == []


def test_images_of_refuses_what_is_no_yaml() -> None:
    with pytest.raises(Refuse, match=r"Not valid YAML\.\n  where:     f\.yaml:2"):
        images_of(b"a: [\n", "web", "f.yaml")


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


def values(text: str) -> list[Any]:
    return list(yaml.load_all(text, yaml.BaseLoader))


@given(written=files())
def test_every_byte_outside_the_scalar_stays(written: Written) -> None:
    quote = written.scalar[0] if written.scalar[0] in "'\"" else ""
    expected = written.before + quote + NEW + quote + written.after
    assert edit(written.text).content == expected.encode()


@given(written=files())
def test_every_other_value_stays(written: Written) -> None:
    before, after = values(written.text), values(edit(written.text).content.decode())
    holders = [one for one in before if isinstance(one, dict) and "containers" in one]
    assert len(holders) == 1
    assert holders[0]["containers"][1]["name"] == "web"
    holders[0]["containers"][1]["image"] = NEW
    assert after == before


@given(written=files())
def test_a_second_edit_finds_nothing_to_do(written: Written) -> None:
    once = edit(written.text)
    twice = edit(once.content.decode())
    assert (once.changed, twice.changed) == (True, False)
    assert twice.content == once.content


@given(written=files())
def test_an_edit_can_be_taken_back(written: Written) -> None:
    once = edit(written.text)
    assert edit(once.content.decode(), once.before).content == written.text.encode()


@given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_other_bytes_are_refused_and_nothing_else(content: bytes) -> None:
    with pytest.raises(Refuse) as caught:
        set_image(content, "web", NEW, "f.yaml")
    assert caught.value.facts["untouched"] == UNTOUCHED
