"""How a rollout on the real cluster ends where other tools end it wrongly."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from shipway.config.rollout import read_rollout
from shipway.errors import BadVersionError, HaltError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject, read_objects
from shipway.rollout.target import Target
from shipway.rollout.wait_for_gateway import wait_for_gateway
from shipway.rollout.watch import wait_until_healthy
from shipway.strategies.rolling import Rolling
from shipway.strategies.step import Edit, FieldRef, Ready, Step
from tests.support.app_environments import SHOP
from tests.support.mistakes import tell_of_error

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: %(replicas)s
  selector: {matchExpressions: [{key: app, operator: In, values: [web]}]}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      volumes: [{name: d, emptyDir: {}}]
      containers:
        - {name: web, image: "%(image)s", command: [sh, -c, "%(command)s"], %(more)s}
"""
DB = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  podManagementPolicy: Parallel
  updateStrategy: %(strategy)s
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: "%(image)s"
          command: [sleep, "%(seconds)s"]
          readinessProbe: {exec: {command: ["true"]}, periodSeconds: 1}
"""
QUOTA = """\
apiVersion: v1
kind: ResourceQuota
metadata: {name: q}
spec: {hard: {pods: "1"}}
"""
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: public, namespace: gateway}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: late}\nstringData: {KEY: value}\n"
TWICE = (
    "test -e /d/x || { touch /d/x; exit 1; }; test -e /d/y || { touch /d/y; exit 1; }; sleep 10000"
)
FIELD = FieldRef(file="all.yaml", name="web")
MOUNTED = "volumeMounts: [{name: d, mountPath: /d}]"


@pytest.fixture
def image(sandbox: dict[str, str]) -> str:
    """An image of the sandbox's registry, by digest."""
    repository, _, tag = sandbox["SHIPWAY_PYTHON_IMAGE"].rpartition(":")
    host, _, path = repository.partition("/")
    kinds = ("oci.image.index", "oci.image.manifest")
    accept = ", ".join(f"application/vnd.{kind}.v1+json" for kind in kinds)
    accept += ", application/vnd.docker.distribution.manifest.v2+json"
    url = f"http://{host}/v2/{path}/manifests/{tag}"
    answer = httpx.head(url, headers={"Accept": accept}, trust_env=False)
    return f"{repository}@{answer.raise_for_status().headers['Docker-Content-Digest']}"


class Place:
    """A namespace that manifests are applied in, and a rollout is watched in."""

    def __init__(self, cluster: KubeClient, namespace: str, image: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.image = image
        self.told: list[str] = []
        self.warned: list[str] = []

    async def apply(self, text: str) -> list[KubeObject]:
        objects = read_objects({"all.yaml": text.encode()}, "prod/shop")
        for each in objects:
            await self.cluster.apply(each.body, self.namespace, "tests")
        return objects

    async def deploy(self, text: str, settings: str = "") -> str:
        """Apply a workload, and wait for it as a rollout does."""
        target = self.target(*await self.apply(text), settings=settings)
        step = Step(name="1/1 rolling", ready=(Ready(image=self.image),))
        told, warned = self.told.append, self.warned.append
        return await wait_until_healthy(self.cluster, target, step, no_failure, told, warned)

    def target(self, kube_object: KubeObject, settings: str = "") -> Target:
        """An environment of one object."""
        start = f"strategy: rolling\nnamespace: {self.namespace}\n{settings}"
        return Target(
            app_environment=SHOP,
            commit="0" * 40,
            rollout=read_rollout(f"{start}images: [{{file: all.yaml, container: web}}]\n"),
            strategy=Rolling(images=()),
            objects=(kube_object,),
            settings=(Edit(field=FIELD, value=self.image),),
        )

    def web(self, command: str = "sleep 10000", more: str = "", replicas: int = 1) -> str:
        parts = {"image": self.image, "command": command, "more": more, "replicas": replicas}
        return WEB % parts

    def db(self, strategy: str, seconds: int) -> str:
        return DB % {"image": self.image, "strategy": strategy, "seconds": seconds}


async def no_failure() -> str | None:
    return None


@pytest.fixture
def place(cluster: KubeClient, namespace: str, image: str) -> Place:
    return Place(cluster, namespace, image)


async def test_a_secret_that_comes_late_is_waited_for(place: Place) -> None:
    async def bring_it() -> None:
        await asyncio.sleep(3)
        await place.apply(SECRET)

    bringing = asyncio.create_task(bring_it())
    served = await place.deploy(place.web(more="envFrom: [{secretRef: {name: late}}]"))
    await bringing
    assert served == "Deployment/web: 1 of 1 run the image"
    assert place.warned == [
        'Deployment/web waits: container web: CreateContainerConfigError: secret "late" not found',
        "Deployment/web waits for that no more",
    ]


@pytest.mark.mistake
async def test_a_secret_that_never_comes_is_a_bad_version(place: Place) -> None:
    manifest = place.web(more="envFrom: [{secretRef: {name: late}}]")
    with pytest.raises(BadVersionError) as caught:
        await place.deploy(manifest, "startup: {seconds: 3}\n")
    assert 'CreateContainerConfigError: secret "late" not found' in str(caught.value)
    await tell_of_error("a Secret that is not there", caught.value, {place.namespace: "hello"})


async def test_a_container_that_ends_twice_is_waited_for(place: Place) -> None:
    served = await place.deploy(place.web(TWICE, MOUNTED))
    assert served == "Deployment/web: 1 of 1 run the image"


async def test_the_same_image_with_mended_configuration_is_judged_anew(place: Place) -> None:
    command = 'test -n \\"$OK\\" || exit 1; sleep 10000'
    with pytest.raises(BadVersionError) as caught:
        await place.deploy(place.web(command), "startup: {restarts: 1, seconds: 1}\n")
    assert "CrashLoopBackOff" in str(caught.value)
    served = await place.deploy(place.web(command, "env: [{name: OK, value: yes it is}]"))
    assert served == "Deployment/web: 1 of 1 run the image"


@pytest.mark.parametrize("seconds", [0.1, 1, 5])
async def test_a_container_without_a_probe_that_soon_ends_is_never_healthy(
    place: Place, seconds: float
) -> None:
    with pytest.raises(BadVersionError) as caught:
        await place.deploy(
            place.web(f"sleep {seconds}; exit 1"), "startup: {restarts: 1, seconds: 1}\n"
        )
    assert "CrashLoopBackOff" in str(caught.value)


SERVED = "python -m http.server 8080"
PROBED = "readinessProbe: {httpGet: {path: /none, port: 8080}, periodSeconds: 1}"
TOO_MUCH = 'resources: {requests: {cpu: "9999"}}'
WAITS = {
    "an app that is never ready": (
        (SERVED, PROBED),
        "progress_deadline_seconds: 10\n",
        "web: Readiness probe failed: HTTP probe failed with statuscode: 404",
    ),
    "a pod that asks for too much": (
        ("sleep 10000", TOO_MUCH),
        "progress_deadline_seconds: 5\n",
        "no node takes a pod: 0/",
    ),
    "an app that ends at start": (
        ("echo no database; exit 3", ""),
        "startup: {restarts: 1, seconds: 6}\n",
        "container web ended with exit code 3\nno database",
    ),
    "an image that is not there": (
        ("sleep 10000", ""),
        "startup: {seconds: 6}\n",
        "container web: ErrImagePull: ",
    ),
}


@pytest.mark.mistake
@pytest.mark.parametrize("mistake", WAITS)
async def test_a_rollout_that_waits_says_why_before_it_gives_up(place: Place, mistake: str) -> None:
    app, settings, why = WAITS[mistake]
    if mistake == "an image that is not there":
        place.image = f"{place.image.partition('@')[0]}@sha256:{'0' * 64}"
    with pytest.raises((BadVersionError, HaltError)) as caught:
        await place.deploy(place.web(*app), settings)
    assert [words for words in place.warned if why in words] != [], (place.warned, place.told)
    await tell_of_error(mistake, caught.value, {place.namespace: "hello"})


async def test_a_partition_is_done_as_far_as_it_goes(place: Place) -> None:
    await place.deploy(place.db("{type: RollingUpdate}", 10000))
    partition = "{type: RollingUpdate, rollingUpdate: {partition: 1}}"
    assert await place.deploy(place.db(partition, 10001)) == (
        "StatefulSet/db: 1 of 2 run the image; partition 1 of the updateStrategy keeps 1 as they "
        "were"
    )


async def test_on_delete_is_done_as_far_as_it_goes(place: Place) -> None:
    await place.deploy(place.db("{type: OnDelete}", 10000))
    assert await place.deploy(place.db("{type: OnDelete}", 10001)) == (
        "StatefulSet/db: 0 of 2 run the image; updateStrategy OnDelete: each other pod once "
        "somebody deletes it"
    )


@pytest.mark.mistake
@pytest.mark.parametrize("workload", ["Deployment", "StatefulSet"])
async def test_a_quota_that_is_full_halts_in_its_own_words(place: Place, workload: str) -> None:
    await place.apply(QUOTA)
    db = place.db("{type: RollingUpdate}", 10000)
    manifest = place.web(replicas=2) if workload == "Deployment" else db
    with pytest.raises(HaltError) as caught:
        await place.deploy(manifest, "startup: {seconds: 5}\n")
    if workload == "Deployment":
        await tell_of_error("a quota that is full", caught.value, {place.namespace: "hello"})
    assert "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1" in str(
        caught.value
    )
    assert "the image is not on hold" in str(caught.value)
    (waits,) = place.warned
    assert "exceeded quota: q" in waits


async def test_a_deployment_that_is_paused_halts(place: Place) -> None:
    manifest = place.web().replace("  replicas:", "  paused: true\n  replicas:")
    with pytest.raises(HaltError, match="cannot go on") as caught:
        await place.deploy(manifest)
    assert "spec.paused: true" in str(caught.value)


async def test_a_route_that_no_gateway_puts_into_force_says_why_until_it_is(
    place: Place, gateway: str
) -> None:
    (route,) = await place.apply(ROUTE)
    target = place.target(route, "progress_deadline_seconds: 4\n")
    with pytest.raises(HaltError, match="cannot go on") as caught:
        await wait_for_gateway(place.cluster, target, route, place.warned.append)
    (waits,) = place.warned
    why = waits.removeprefix("HTTPRoute/web waits: ")
    assert why.startswith("the gateway public refuses the route: ")
    assert why in str(caught.value)

    async def bring_it() -> None:
        await asyncio.sleep(3)
        await place.apply(SERVICE)

    bringing = asyncio.create_task(bring_it())
    await wait_for_gateway(place.cluster, place.target(route), route, place.warned.append)
    await bringing
    assert place.warned == [waits, waits, "HTTPRoute/web waits for that no more"]
