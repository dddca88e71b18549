from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest
from pydantic import Field

from shipway.documents.document import LARGEST_BYTES, Strict, read_document
from shipway.documents.yaml_text import REMEDY
from shipway.errors import RefuseError

UNTOUCHED = "everything: nothing was built, pushed or committed"


class Part(Strict):
    renamed: ClassVar[Mapping[str, str]] = {"count": "size"}

    size: int = Field(default=1, ge=1)
    label: str = ""


class Whole(Strict):
    name: str
    part: Part | None = None
    parts: list[Part] = Field(default_factory=list)
    named: dict[str, Part] = Field(default_factory=dict)
    text: dict[str, str] = Field(default_factory=dict)


def read(text: str) -> Whole:
    return read_document(text, Whole, "dir/whole.yaml")


def refusal(text: str) -> RefuseError:
    with pytest.raises(RefuseError) as caught:
        read(text)
    return caught.value


def test_a_right_document_becomes_its_model() -> None:
    assert read("name: a\npart: {size: 2}\nparts:\n- label: x\n") == Whole(
        name="a", part=Part(size=2), parts=[Part(label="x")]
    )


def test_anchors_and_merge_keys_are_understood() -> None:
    found = read("name: &n a\npart: &p {size: 2}\nnamed:\n  x:\n    <<: *p\n    label: *n\n")
    assert found.named == {"x": Part(size=2, label="a")}


def test_a_misspelt_key_is_refused_with_line_hint_and_the_keys_that_there_are() -> None:
    assert str(refusal("name: a\n# why\npart:\n  szie: 2\n")) == (
        "Unknown key 'part.szie' (did you mean 'size'?).\n"
        "  where:     dir/whole.yaml:4\n"
        "  expected:  one of label, size\n"
        "  got:       'part.szie'\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


@pytest.mark.parametrize(
    ("text", "what", "line", "expected"),
    [
        ("name: a\nzzz: 1\n", "Unknown key 'zzz'.", 2, "name, named, part, parts, text"),
        ("name: a\nparts:\n- size: 1\n- zzz: 1\n", "Unknown key 'parts.1.zzz'.", 4, "label, size"),
        ("name: a\nnamed:\n  x:\n    zzz: 1\n", "Unknown key 'named.x.zzz'.", 4, "label, size"),
        ("name: a\npart: {zzz: 1}\n", "Unknown key 'part.zzz'.", 2, "label, size"),
    ],
    ids=["top", "in a list", "in a mapping", "in flow style"],
)
def test_an_unknown_key_is_found_wherever_it_stands(
    text: str, what: str, line: int, expected: str
) -> None:
    error = refusal(text)
    assert error.what == what
    assert error.facts["where"] == f"dir/whole.yaml:{line}"
    assert error.facts["expected"] == f"one of {expected}"


def test_a_misspelt_required_key_is_named_as_misspelt() -> None:
    assert refusal("nmae: a\n").what == "Unknown key 'nmae' (did you mean 'name'?)."


def test_a_missing_key_is_refused_at_the_line_of_its_parent() -> None:
    assert str(refusal("# first\npart: {}\n")) == (
        "The key 'name' is missing.\n"
        "  where:     dir/whole.yaml:2\n"
        "  expected:  a value for 'name'\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


def test_a_wrong_value_is_refused_with_what_stands_there() -> None:
    assert str(refusal("name: a\nparts:\n  - label: x\n    size: big\n")) == (
        "The value of 'parts.0.size' is not valid.\n"
        "  where:     dir/whole.yaml:4\n"
        "  expected:  Input should be a valid integer\n"
        "  got:       'big'\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


@pytest.mark.parametrize(
    ("text", "expected", "got"),
    [
        ("name: 1\n", "Input should be a valid string", "1"),
        ("name: yes\n", "Input should be a valid string", "True"),
        ("name:\n", "Input should be a valid string", "None"),
        ("name: [a]\n", "Input should be a valid string", "['a']"),
        ("name: a\ntext: {x: 1.10}\n", "Input should be a valid string", "1.1"),
        ("name: a\npart: {size: 0}\n", "Input should be greater than or equal to 1", "0"),
        ("name: a\nparts: {}\n", "Input should be a valid list", "{}"),
    ],
)
def test_a_wrong_type_is_never_bent_into_the_right_one(text: str, expected: str, got: str) -> None:
    error = refusal(text)
    assert (error.facts["expected"], error.facts["got"]) == (expected, got)


def test_a_truth_value_is_no_number() -> None:
    assert refusal("name: a\npart: {size: true}\n").facts["got"] == "True"


@pytest.mark.parametrize("text", ["text\n", "[1, 2]\n", "3\n"])
def test_a_document_that_is_no_mapping_is_refused(text: str) -> None:
    error = refusal(text)
    assert error.what == "The value of 'the document' is not valid."
    assert error.facts["where"] == "dir/whole.yaml:1"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_an_empty_file_is_refused(text: str) -> None:
    assert str(refusal(text)) == (
        "The file is empty.\n"
        "  where:     dir/whole.yaml\n"
        "  expected:  a mapping of keys\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


def test_a_duplicate_key_is_refused_with_both_lines() -> None:
    assert str(refusal("name: a\npart: {}\nname: b\n")) == (
        "The key 'name' stands twice.\n"
        "  where:     dir/whole.yaml:3\n"
        "  expected:  each key once\n"
        "  got:       again on line 3, first on line 1\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("name: a\npart:\n  size: 1\n  size: 2\n", "dir/whole.yaml:4"),
        ("name: a\nparts:\n- size: 1\n  size: 2\n", "dir/whole.yaml:4"),
        ("name: a\npart: {size: 1, 'size': 2}\n", "dir/whole.yaml:2"),
    ],
    ids=["in a mapping", "in a list", "in other quotes"],
)
def test_a_duplicate_key_is_found_at_any_depth(text: str, where: str) -> None:
    error = refusal(text)
    assert error.what == "The key 'size' stands twice."
    assert error.facts["where"] == where


def test_an_anchor_that_holds_itself_does_not_hang_the_reader() -> None:
    assert refusal("name: a\nparts: &p [*p]\n").facts["got"] == "*p inside itself"


@pytest.mark.parametrize(
    ("text", "line", "got"),
    [
        ("name: 'a\n", 2, "found unexpected end of stream"),
        ("name: a\n\tpart: {}\n", 2, "found a tab character that violates indentation"),
        ("name: *x\n", 1, "an alias (*name) that no anchor has"),
        (
            "name: !!python/object:os.system x\n",
            1,
            "could not determine a constructor for the tag",
        ),
    ],
    ids=["open quote", "tab", "undefined alias", "a tag that runs code"],
)
def test_what_is_no_yaml_is_refused_at_its_line(text: str, line: int, got: str) -> None:
    assert str(refusal(text)) == (
        "Not valid YAML.\n"
        f"  where:     dir/whole.yaml:{line}\n"
        "  expected:  plain YAML\n"
        f"  got:       {got}\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


@pytest.mark.parametrize(
    "text",
    ["name: \x07\n", "name: !!int x\n", "name: " + "[" * 2000],
    ids=["control character", "a tag the value contradicts", "too deep"],
)
def test_every_text_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(RefuseError):
        read(text)


def test_a_second_document_is_refused_where_it_begins() -> None:
    assert str(refusal("name: a\n---\nname: b\n")) == (
        "A second document begins.\n"
        "  where:     dir/whole.yaml:3\n"
        "  expected:  one YAML document\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


@pytest.mark.parametrize("text", ["2024-01-01", "2024-99-99", "22:22"])
def test_what_only_yaml_1_1_takes_for_a_date_or_a_number_is_text(text: str) -> None:
    assert read(f"name: {text}\n").name == text


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    assert str(refusal("#" * (LARGEST_BYTES + 1))) == (
        "The file is too large.\n"
        "  where:     dir/whole.yaml\n"
        "  expected:  at most 1000000 bytes\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )


def test_a_file_of_the_largest_size_is_read() -> None:
    text = "name: a\n"
    assert read(text + "#" * (LARGEST_BYTES - len(text))).name == "a"


def test_a_key_that_was_renamed_is_refused_with_its_name_today() -> None:
    assert str(refusal("name: a\nparts:\n- count: 2\n")) == (
        "The key 'parts.0.count' is called 'size' today.\n"
        "  where:     dir/whole.yaml:3\n"
        "  expected:  'size' in its place\n"
        "  got:       'parts.0.count'\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {REMEDY}"
    )
