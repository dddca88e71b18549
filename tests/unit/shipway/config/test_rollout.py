from __future__ import annotations

import pytest

from shipway.config.rollout import ImageEntry, ReleaseRule, Rollout, read_rollout
from shipway.errors import RefuseError

SHORTEST = """\
strategy: rolling
namespace: shop
images:
- {file: web.yaml, container: web}
"""


def refusal(text: str) -> RefuseError:
    with pytest.raises(RefuseError) as caught:
        read_rollout(text)
    return caught.value


def test_the_shortest_file_has_every_default() -> None:
    shortest = Rollout(
        strategy="rolling",
        namespace="shop",
        cluster=None,
        agent="reconcile",
        images=[ImageEntry(file="web.yaml", container="web")],
        progress_deadline_seconds=300,
    )
    read = read_rollout(SHORTEST)
    assert {key: getattr(read, key) for key in Rollout.model_fields} == dict(shortest)
    assert (read.rolling, read.blue_green, read.canary) == (None, None, None)  # pyright: ignore[reportAttributeAccessIssue]


def test_every_key_of_the_file_is_read() -> None:
    text = f"{SHORTEST}cluster: eu-1\nagent: external\nprogress_deadline_seconds: 12.5\n"
    rollout = read_rollout(text)
    assert (rollout.cluster, rollout.agent, rollout.progress_deadline_seconds) == (
        "eu-1",
        "external",
        12.5,
    )


@pytest.mark.parametrize("file", ["web.yaml", "web.yml", "über uns.yaml", "..yaml"])
def test_a_manifest_beside_the_file_is_taken(file: str) -> None:
    assert read_rollout(SHORTEST.replace("web.yaml", file)).images[0].file == file


@pytest.mark.parametrize(
    "file", ["web.json", ".yaml", "../web.yaml", "sub/web.yaml", "/web.yaml", "a\\nb.yaml"]
)
def test_a_manifest_anywhere_else_is_refused(file: str) -> None:
    error = refusal(SHORTEST.replace("web.yaml", f'"{file}"'))
    assert error.what == "The value of 'images.0.file' is not valid."
    assert error.facts["where"] == "rollout.yaml:4"


@pytest.mark.parametrize(
    ("old", "new", "key", "line", "expected"),
    [
        (
            "rolling",
            "big-bang",
            "strategy",
            1,
            "one of rolling, blue-green, canary",
        ),
        (
            "namespace: shop",
            "namespace: Shop",
            "namespace",
            2,
            "String should match pattern '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'",
        ),
        (
            "images:\n- {file: web.yaml, container: web}",
            "images: []",
            "images",
            3,
            "List should have at least 1 item after validation, not 0",
        ),
        (
            "images:",
            "agent: argo\nimages:",
            "agent",
            3,
            "Input should be 'reconcile' or 'external'",
        ),
        (
            "images:",
            "progress_deadline_seconds: 0\nimages:",
            "progress_deadline_seconds",
            3,
            "Input should be greater than 0",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(
    old: str, new: str, key: str, line: int, expected: str
) -> None:
    error = refusal(SHORTEST.replace(old, new))
    assert error.what == f"The value of {key!r} is not valid."
    assert error.facts["where"] == f"rollout.yaml:{line}"
    assert error.facts["expected"] == expected


@pytest.mark.parametrize(("key", "line"), [("strategy", 2), ("namespace", 1), ("images", 1)])
def test_a_missing_key_is_named(key: str, line: int) -> None:
    lines = {
        "strategy": SHORTEST.replace("strategy: rolling\n", "\n"),
        "namespace": SHORTEST.replace("namespace: shop\n", ""),
        "images": SHORTEST.replace("images:\n- {file: web.yaml, container: web}\n", ""),
    }
    error = refusal(lines[key])
    assert error.what == f"The key {key!r} is missing."
    assert error.facts["where"] == f"rollout.yaml:{line}"


@pytest.mark.parametrize("field", ["", ", container: a, helm: /a", ", kustomize: a, helm: /a"])
def test_an_image_stands_in_exactly_one_field(field: str) -> None:
    error = refusal(SHORTEST.replace(", container: web", field))
    assert error.what == "The value of 'images.0' is not valid."
    assert error.facts["where"] == "rollout.yaml:4"
    assert "exactly one of container, kustomize and helm" in str(error.facts["expected"])


@pytest.mark.parametrize(
    ("strategy", "section"),
    [("rolling", "blue_green: {blue: a, green: b, service: c}\n"), ("blue-green", "")],
)
def test_a_strategy_and_its_section_belong_together(strategy: str, section: str) -> None:
    error = refusal(SHORTEST.replace("rolling", strategy) + section)
    assert "blue_green and strategy: blue-green belong together" in str(error.facts["expected"])


@pytest.mark.parametrize("field", ["kustomize: acme/shop", "helm: /web/image"])
def test_what_must_be_rendered_needs_an_agent_that_renders(field: str) -> None:
    text = SHORTEST.replace("container: web", field)
    assert "external" in str(refusal(text).facts["expected"])
    rollout = read_rollout(text + "agent: external\n")
    kind, _, name = field.partition(": ")
    assert rollout.images[0].kind_and_name == (kind, name)


CANARY = (
    "canary: {stable: a, canary: b, router: {http_route: c}, steps: [{weight: 1}, {weight: 100}]}\n"
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{weight: 100}", "{weight: 1}", "weights that rise from step to step"),
        (" router: {http_route: c},", "", "weights below 100 where there is no router"),
        ("{weight: 1}", "{weight: 0}", "greater than or equal to 1"),
        ("[{weight: 1}, {weight: 100}]", "[]", "at least 1 item"),
    ],
)
def test_a_canarys_weights_rise(old: str, new: str, expected: str) -> None:
    text = SHORTEST.replace("rolling", "canary")
    assert read_rollout(text + CANARY).canary is not None
    assert expected in str(refusal(text + CANARY.replace(old, new)).facts["expected"])


APPROVERS = "approvers: [ada@example.org]\n"
ASKS = {
    "rolling": "rolling: {approval: true}\n",
    "blue-green": "blue_green: {blue: a, green: b, service: c, approval: true}\n",
    "canary": CANARY.replace("weight: 100", "weight: 100, approval: true"),
}


@pytest.mark.parametrize("strategy", ASKS)
def test_approvers_are_asked_about_a_step_at_least(strategy: str) -> None:
    text, asks = SHORTEST.replace("rolling", strategy) + APPROVERS, ASKS[strategy]
    assert read_rollout(text + asks).approvers == ["ada@example.org"]
    error = refusal(text + asks.replace("approval: true", "approval: false"))
    section = strategy.replace("-", "_")
    assert f"approvers beside approval: true in {section}" in str(error.facts["expected"])


@pytest.mark.parametrize("names", ["[]", "ada", "['']", "['*@example.org']", "['ada,bob']"])
def test_approvers_are_names_of_people(names: str) -> None:
    text = f"{SHORTEST}{ASKS['rolling']}approvers: {names}\n"
    assert "approvers" in refusal(text).what


@pytest.mark.parametrize(
    ("rule", "meant", "others"),
    [
        ({}, {"refs/tags/v1", "refs/tags/v1/a"}, {"refs/tags/1", "refs/heads/v1", "refs/tags/V1"}),
        ({"tags": "shop/*"}, {"refs/tags/shop/1"}, {"refs/tags/shop", "refs/tags/a/shop/1"}),
        ({"tags": "v[0-9]"}, {"refs/tags/v1"}, {"refs/tags/v1-rc", "refs/tags/v"}),
        ({"branch": "main"}, {"refs/heads/main"}, {"refs/tags/main", "refs/heads/main/a"}),
        ({"branch": "*"}, set(), {"refs/heads/main"}),
    ],
)
def test_a_rule_means_the_tags_of_its_pattern_or_one_branch(
    rule: dict[str, str], meant: set[str], others: set[str]
) -> None:
    found = ReleaseRule(**rule)
    assert {ref for ref in meant | others if found.means(ref)} == meant


@pytest.mark.parametrize(
    ("rule", "got"),
    [
        ("{tags: v*, branch: main}", "tags or branch, not both"),
        ("{tags: ''}", "tags"),
        ("{tag: v*}", "tag"),
        ("v*", "releases"),
    ],
)
def test_a_rule_that_says_something_else_is_refused(rule: str, got: str) -> None:
    assert got in str(refusal(f"{SHORTEST}releases: {rule}\n"))


EXTERNAL = "strategy: rolling\nnamespace: shop\nimages: [{file: a.yaml, container: a}]\n"


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (
            "flux: {kustomization: shop, helm_release: web}",
            {
                "Flux Kustomization/shop in namespace flux-system",
                "Flux HelmRelease/web in namespace flux-system",
            },
        ),
        (
            "argo_cd: {application: shop, cluster: tools}",
            {"Argo CD Application/shop", "Argo CD Application/argocd_shop"},
        ),
    ],
)
def test_another_agent_is_named_by_its_objects(text: str, titles: set[str]) -> None:
    rollout = read_rollout(f"{EXTERNAL}agent: external\nexternal_agent: {{{text}}}\n")
    assert rollout.external_agent is not None
    assert rollout.external_agent.settings.titles == titles


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("external_agent: {flux: {kustomization: shop}}", "agent: external"),
        ("agent: external\nexternal_agent: {}", "exactly one of flux, argo_cd"),
        ("agent: external\nexternal_agent: {flux: {kustomization: 'a b'}}", "kustomization"),
    ],
)
def test_another_agent_that_cannot_be_meant_is_refused(text: str, expected: str) -> None:
    with pytest.raises(RefuseError, match=expected):
        read_rollout(f"{EXTERNAL}{text}\n")


@pytest.mark.parametrize(
    ("source", "sources"), [("staging", "staging"), ("[eu]", "eu"), ("[eu, us]", "eu, us")]
)
def test_a_promotion_comes_from_one_environment_or_several(source: str, sources: str) -> None:
    promotion = read_rollout(f"{SHORTEST}promotion: {{source: {source}}}\n").promotion
    assert promotion is not None
    assert (promotion.sources, promotion.by_itself) == (sources, False)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[]", "an environment, or a list of environments"),
        ("{eu: 1}", "an environment, or a list of environments"),
        ("[eu, eu]", "each environment once"),
        ("[eu, 1]", "Input should be a valid string"),
    ],
)
def test_a_promotion_from_anything_else_is_refused(source: str, expected: str) -> None:
    assert refusal(f"{SHORTEST}promotion: {{source: {source}}}\n").facts["expected"] == expected
