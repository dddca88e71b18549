"""The folder that an app has in the ops repository, for one environment."""

from __future__ import annotations

from textwrap import indent

from shipway.app_environment import AppEnvironment
from shipway.config import rollout
from shipway.init.new_file import NewFile
from shipway.init.seen import Seen
from shipway.parameters import check_names

_NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: {namespace}
"""
_ROLLOUT = """\
# How {environment} takes a new version.
strategy: rolling
namespace: {namespace}
images:
  - file: deployment.yaml
    container: {app}
"""
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: {app}}}
  strategy:
    rollingUpdate: {{maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata:
      labels: {{app: {app}}}
    spec:
{pod}      containers:
        - name: {app}
          image: {app}   # set by Shipway, by digest
{container}"""
_SERVES = """\
ports:
  - name: http
    containerPort: {port}
readinessProbe:
  {probe}
  periodSeconds: 1
lifecycle:
  # Endpoints lag behind: go on answering until nobody is sent here any more.
  preStop: {{sleep: {{seconds: 3}}}}
"""
_RESOURCES = """\
resources:
  requests: {cpu: 20m, memory: 64Mi}
"""
_PLAIN_USER = """\
securityContext:
  runAsNonRoot: true
"""
_NO_PRIVILEGES = """\
securityContext:
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
"""
_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {app}
spec:
  selector: {{app: {app}}}
  ports:
    - name: http
      port: 80
      targetPort: http
"""


def environment_files(seen: Seen, where: AppEnvironment) -> list[NewFile]:
    """All of them.

    Raises:
        RefuseError: The environment's name is none.
    """
    check_names(environment=where.environment)
    namespace = f"{where.app}-{where.environment}"
    files = [
        _rollout(where, namespace),
        NewFile("namespace.yaml", _NAMESPACE.format(namespace=namespace), "a namespace of its own"),
        _deployment(seen),
        *_services(seen),
    ]
    return [file._replace(path=f"{where.folder}/{file.path}") for file in files]


def _rollout(where: AppEnvironment, namespace: str) -> NewFile:
    text = _ROLLOUT.format(environment=where.environment, namespace=namespace, app=where.app)
    return NewFile(rollout.FILE, text, "rolling, which needs nothing else in the cluster")


def _deployment(seen: Seen) -> NewFile:
    user = seen.shipped.has_plain_user
    port, path = seen.shipped.port, seen.probed_path
    serves, why = (
        "",
        f"{seen.dockerfile} exposes no port: nothing is probed, and there is no Service",
    )
    if port is not None:
        probe = f"httpGet: {{path: {path}, port: http}}" if path else "tcpSocket: {port: http}"
        serves = _SERVES.format(port=port, probe=probe)
        ready = (
            f"ready when {path} says so ({seen.probed_why})" if path else "ready when it is open"
        )
        why = f"{seen.dockerfile} exposes port {port}; {ready}"
    container = serves + _RESOURCES + (_NO_PRIVILEGES if user else "")
    text = _DEPLOYMENT.format(
        app=seen.app,
        pod=indent(_PLAIN_USER if user else "", " " * 6),
        container=indent(container, " " * 10),
    )
    return NewFile("deployment.yaml", text, why)


def _services(seen: Seen) -> list[NewFile]:
    if seen.shipped.port is None:
        return []
    why = f"{seen.dockerfile} exposes port {seen.shipped.port}"
    return [NewFile("service.yaml", _SERVICE.format(app=seen.app), why)]
