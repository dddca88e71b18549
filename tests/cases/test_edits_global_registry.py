"""A repository that Helm's global.imageRegistry overrides is told.

The image would come from elsewhere. Charts with Bitnami's helper let the global registry win over
the image's own (bitnami/charts#33710); global.image.registry is the same in
others (Kyverno, Grafana, Camunda).
"""

from __future__ import annotations

import pytest

from bench.gitops.shapes import DIGEST, IMAGE, PINNED, TAG
from shipway.errors import RefuseError
from shipway.image_ref import without_tag
from shipway.manifests import image_at, set_image
from tests.cases.edits import marked

FILE = "prod/shop/values.yaml"
OTHER = "global: {imageRegistry: mirror.example}\n"
SAME = "global: {imageRegistry: registry.example.org}\n"
NEW = f"{TAG}@{DIGEST}"
IN_OBJECT = (
    "kind: HelmRelease\nspec:\n  values:\n    global: {imageRegistry: mirror.example}\n"
    "    web: {image: {registry: docker.io, repository: acme/shop, tag: v1}}\n"
)


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        pytest.param(
            OTHER + "image: {registry: docker.io, repository: acme/shop, tag: v1}\n", "/image",
            id="registry",
        ),
        pytest.param(OTHER + "image: {repository: shop, tag: v1}\n", "/image", id="no registry"),
        # As with a mirror that has the source's host in its path.
        pytest.param(
            OTHER + "image: {repository: registry.example.org/shop, tag: v1}\n", "/image",
            id="the whole name",
        ),
        pytest.param(
            OTHER + "web: {sub: {image: {registry: r, repository: shop, digest: d}}}\n",
            "/web/sub/image",
            id="a chart below",
        ),
        pytest.param(
            "global:\n  image: {registry: mirror.example}\nimage: {repository: shop, tag: v1}\n",
            "/image",
            id="global.image.registry",
        ),
        pytest.param(IN_OBJECT, "/spec/values/web/image", id="values of a HelmRelease"),
        pytest.param(
            "sub:\n  global: {imageRegistry: mirror.example}\n  image: {repository: s, tag: v1}\n",
            "/sub/image",
            id="of a chart below",
        ),
        pytest.param(
            "global: {imageRegistry: registry.example.org/other}\n"
            "image: {registry: r, repository: shop, tag: v1}\n",
            "/image",
            id="the host, with another path",
        ),
    ],
)  # fmt: skip
def test_another_registry_is_refused_and_told(text: str, pointer: str) -> None:
    with pytest.raises(RefuseError, match="overrides") as caught:
        set_image(text.encode(), "helm", pointer, IMAGE, FILE)
    facts = caught.value.facts
    assert "registry.example.org" in str(facts["expected"])
    assert str(facts["got"]).split()[-1] in text
    assert "global" in str(facts["remedy"])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            SAME + "image: {registry: «docker.io|HOST», repository: «a|shop», tag: «v1|NEW»}\n",
            id="the same registry",
        ),
        pytest.param(
            SAME + "image: {repository: «a/shop|shop», tag: «v1|NEW»}\n",
            id="the same, no registry of its own",
        ),
        pytest.param(
            SAME + "image: {repository: «HOST/a|HOST/shop», tag: «v|NEW»}\n",
            id="a chart that takes the whole name",
        ),
        pytest.param(
            "global: {imageRegistry: ''}\n"
            "image: {registry: «r|HOST», repository: «s|shop», tag: «v1|NEW»}\n",
            id="empty",
        ),
        pytest.param(
            "global: {imageRegistry: null}\nimage: {repository: «s|HOST/shop», tag: «v1|NEW»}\n",
            id="null",
        ),
        pytest.param(
            "global: {imageRegistry: ~, image: {}}\n"
            "image: {repository: «s|HOST/shop», tag: «v|NEW»}\n",
            id="tilde",
        ),
        pytest.param(
            "global: {storageClass: x}\nimage: {repository: «s|HOST/shop», tag: «v1|NEW»}\n",
            id="other globals",
        ),
        pytest.param(
            "other: {global: {imageRegistry: m}}\n"
            "image: {repository: «s|HOST/shop», tag: «v|NEW»}\n",
            id="of a chart beside",
        ),
        pytest.param(OTHER + "image: «a:1@sha256:0|HOST/shop@SHA»\n", id="one string"),
    ],
)
def test_what_it_does_not_change_is_set(text: str) -> None:
    filled = text.replace("HOST", "registry.example.org").replace("NEW", NEW).replace("SHA", DIGEST)
    before, expected = marked(filled)
    after = set_image(before, "helm", "/image", IMAGE, FILE)
    assert after == expected
    assert without_tag(image_at(after, "helm", "/image", FILE)) == PINNED
    assert set_image(after, "helm", "/image", IMAGE, FILE) == after


def test_the_image_is_read_as_the_chart_makes_it() -> None:
    text = OTHER + "image: {registry: docker.io, repository: acme/shop, tag: v1}\n"
    assert image_at(text.encode(), "helm", "/image", FILE) == "mirror.example/acme/shop:v1"
