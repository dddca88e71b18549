"""One node of upstream Kubernetes, with its control plane, in the sandbox's namespaces."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from pathlib import Path

import certificates
import images
import machine
import processes
import registry
from packages import need
from state import SOCKETS, STATE, Unavailable, secret

PODS = "10.88.0.0/16"
NODE = "sandbox"
_DATA = STATE / "node"
_PARTS = ("containerd", "etcd", "apiserver", "controllers", "scheduler", "kubelet", "proxy", "dns")
_PACKAGES = {
    "docker.io": "/usr/bin/containerd",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "conntrack": "conntrack",
    "iptables": "iptables",
    "openssl": "openssl",
}


def is_up() -> bool:
    """Whether every part of the node runs."""
    return all(processes.pid_of(part) is not None for part in _PARTS)


def is_ready(kubeconfig: Path) -> bool:
    """Whether the node takes pods."""
    node = _kubectl(kubeconfig, "get", "node", NODE, "-o", "json")
    if node is None:
        return False
    conditions = json.loads(node)["status"].get("conditions", [])
    return any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions
    )


def write_kubeconfig(file: Path) -> None:
    """Write the administrator's kubeconfig; nothing in it depends on the cluster being up."""
    need({"openssl": "openssl"}, "the cluster's certificates")
    keys = certificates.make(machine.address(), _first_service())
    authority = base64.b64encode((keys / "ca.crt").read_bytes()).decode()
    server = {
        "server": f"https://{machine.address()}:6443",
        "certificate-authority-data": authority,
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NODE, "cluster": server}],
        "users": [{"name": "admin", "user": {"token": secret("cluster_token")}}],
        "contexts": [{"name": NODE, "context": {"cluster": NODE, "user": "admin"}}],
        "current-context": NODE,
    }
    file.touch(mode=0o600)
    file.write_text(json.dumps(config, indent=2))


def up(kube: Path, kubeconfig: Path) -> None:
    """Start every part that does not run, and wait until the node is ready.

    Raises:
        Unavailable: A part ends or does not get ready; with the end of its log.
    """
    need(_PACKAGES, "the cluster")
    registry.forward()
    _DATA.mkdir(parents=True, exist_ok=True)
    machine.make_cgroup()
    (_DATA / "kube").unlink(missing_ok=True)
    (_DATA / "kube").symlink_to(kube)
    commands = _commands(kubeconfig)
    for part in ("containerd", "etcd", "apiserver"):
        _start(part, commands[part])
    processes.wait_until(
        lambda: _kubectl(kubeconfig, "get", "--raw", "/readyz") == "ok",
        "apiserver",
        daemons=("containerd", "etcd", "apiserver"),
    )
    for part in ("controllers", "scheduler", "kubelet", "dns"):
        _start(part, commands[part])
    # kube-proxy waits half a minute where the node is not there yet.
    processes.wait_until(lambda: _kubectl(kubeconfig, "get", "node", NODE) is not None, "kubelet")
    _start("proxy", commands["proxy"])
    processes.wait_until(lambda: is_ready(kubeconfig), "kubelet", daemons=_PARTS)


def apply(kubeconfig: Path, objects: str) -> None:
    """Apply objects on the server's side, as the owner of their fields.

    Raises:
        Unavailable: The API server refuses them; with its reason.
    """
    _told(
        *(str(_DATA / "kube"), "kubectl", "--kubeconfig", str(kubeconfig), "apply"),
        *("--server-side", "--force-conflicts", "--field-manager=sandbox", "--filename=-"),
        given=objects,
    )


def wait_for(kubeconfig: Path, condition: str, *what: str, seconds: int = 60) -> None:
    """Wait until a condition of objects is true.

    Raises:
        Unavailable: It is not, within that time.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return _told(
                *(str(_DATA / "kube"), "kubectl", "--kubeconfig", str(kubeconfig), "wait"),
                *(f"--for=condition={condition}", f"--timeout={seconds}s", *what),
            )
        except Unavailable as reason:
            # kubectl gives up at an object that nobody has looked at yet.
            if "conditions accessor error" not in str(reason) or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _told(*command: str, given: str | None = None) -> None:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"kubectl {command[4]}: {done.stderr.strip()[-500:]}")


def _start(part: str, command: list[str]) -> None:
    if processes.pid_of(part) is None:
        processes.start(part, machine.inside(*command))


def _kubectl(kubeconfig: Path, *arguments: str) -> str | None:
    kube = _DATA / "kube"
    if not kube.exists():
        return None
    command = [str(kube), "kubectl", "--kubeconfig", str(kubeconfig), "--request-timeout=5s"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _first_service() -> str:
    return machine.service_range().replace(".0/24", ".1")


def _write(name: str, content: str) -> str:
    file = _DATA / name
    file.write_text(content)
    return str(file)


def _commands(kubeconfig: Path) -> dict[str, list[str]]:
    address, kube, keys = machine.address(), str(_DATA / "kube"), certificates.FOLDER
    etcd = "http://127.0.0.1:2379"
    tokens = keys / "tokens.csv"
    tokens.touch(mode=0o600)
    tokens.write_text(f"{secret('cluster_token')},admin,admin,system:masters\n")
    client = f"--kubeconfig={kubeconfig}"
    return {
        "containerd": ["containerd", "--config", _containerd()],
        "etcd": [
            kube, "etcd", f"--data-dir={_DATA / 'etcd'}", f"--listen-client-urls={etcd}",
            f"--advertise-client-urls={etcd}", "--listen-peer-urls=http://127.0.0.1:2380",
            "--unsafe-no-fsync", "--log-level=warn",
        ],
        "apiserver": [
            kube, "apiserver", f"--etcd-servers={etcd}", f"--bind-address={address}",
            f"--advertise-address={address}", "--secure-port=6443",
            f"--tls-cert-file={keys / f'{address}.crt'}",
            f"--tls-private-key-file={keys / 'apiserver.key'}",
            f"--token-auth-file={tokens}", "--anonymous-auth=false",
            f"--kubelet-client-certificate={keys / 'kubelet-client.crt'}",
            f"--kubelet-client-key={keys / 'kubelet-client.key'}",
            f"--client-ca-file={keys / 'ca.crt'}",
            f"--service-account-key-file={keys / 'accounts.key'}",
            f"--service-account-signing-key-file={keys / 'accounts.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-cluster-ip-range={machine.service_range()}",
            "--kubelet-preferred-address-types=InternalIP",
            "--authorization-mode=Node,RBAC", "--allow-privileged=true",
        ],
        "controllers": [
            kube, "controllers", client, f"--root-ca-file={keys / 'ca.crt'}",
            f"--service-account-private-key-file={keys / 'accounts.key'}",
            "--use-service-account-credentials=true", "--leader-elect=false",
            "--allocate-node-cidrs=false",
        ],
        "scheduler": [kube, "scheduler", client, "--leader-elect=false"],
        "kubelet": [
            kube, "kubelet", client, f"--config={_kubelet()}",
            f"--cert-dir={_DATA / 'kubelet-pki'}", f"--hostname-override={NODE}",
            f"--node-ip={address}",
        ],
        "proxy": [kube, "proxy", f"--config={_proxy(kubeconfig)}"],
        "dns": [kube, "dns", "-conf", _dns(kubeconfig)],
    }  # fmt: skip


def _containerd() -> str:
    network = _DATA / "cni"
    network.mkdir(exist_ok=True)
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "mtu": machine.mtu(),
        "ipam": {
            "type": "host-local",
            "dataDir": str(SOCKETS / "ipam"),
            "ranges": [[{"subnet": PODS}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    plugins = {"cniVersion": "0.4.0", "name": "sandbox", "plugins": [bridge]}
    (network / "sandbox.conflist").write_text(json.dumps(plugins))
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    # A pod's own loopback is not the host's: where it reads the registry, the name is another one.
    from_pods = f"{machine.host_address()}:{registry.address().partition(':')[2]}"
    # Without the two settings on the score, root without CAP_SYS_RESOURCE cannot start a pod.
    return _write(
        "containerd.toml",
        f"""version = 2
root = "{_DATA / "containerd"}"
state = "{SOCKETS / "containerd"}"
[grpc]
  address = "{SOCKETS / "containerd.sock"}"
[{cri}]
  sandbox_image = "{images.pause()}"
  restrict_oom_score_adj = true
  disable_apparmor = true
[{cri}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{network}"
[{cri}.registry.mirrors."{registry.address()}"]
  endpoint = ["http://{registry.address()}"]
[{cri}.registry.mirrors."{from_pods}"]
  endpoint = ["http://{registry.address()}"]
""",
    )


def _kubelet() -> str:
    settings = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(certificates.FOLDER / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": machine.CGROUP,
        "enforceNodeAllocatable": [],
        # Zero is refused; more would evict pods from a full laptop.
        "evictionHard": dict.fromkeys(
            ("memory.available", "nodefs.available", "imagefs.available"), "1Mi"
        ),
        "imageGCHighThresholdPercent": 100,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{SOCKETS / 'containerd.sock'}",
        "clusterDNS": [machine.address()],
        "clusterDomain": "cluster.local",
        "localStorageCapacityIsolation": False,
        "oomScoreAdj": 0,
        "volumePluginDir": str(_DATA / "volume-plugins"),
    }
    return _write("kubelet.json", json.dumps(settings))


def _proxy(kubeconfig: Path) -> str:
    settings = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": NODE,
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "conntrack": {"maxPerCore": 0, "min": 0},
        "clusterCIDR": PODS,
        "oomScoreAdj": 0,
        # How long a change of endpoints may wait; the default of 1 s is made for large clusters.
        "iptables": {"minSyncPeriod": "100ms"},
    }
    return _write("proxy.json", json.dumps(settings))


def _dns(kubeconfig: Path) -> str:
    return _write(
        "Corefile",
        f""".:53 {{
  bind {machine.address()}
  errors
  cache 5
  kubernetes cluster.local in-addr.arpa ip6.arpa {{
    kubeconfig {kubeconfig} {NODE}
  }}
  forward . /etc/resolv.conf
}}
""",
    )
