"""Prefect as it runs where one server is not enough: two API servers behind one address.

The scheduler and the automations are a process of their own. Redis carries what the three tell
each other, and a database of their own in the sandbox's PostgreSQL has the rest. HAProxy asks each
server for its health, and sends requests to those that answer.
"""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable

import database
import processes
import server
from packages import need
from state import STATE, Unavailable, fresh_port, port, secret

REDIS = "redis"
APIS = ("prefect-api-1", "prefect-api-2")
SERVICES = "prefect-services"
PROXY = "haproxy"
_DATABASE, _LEDGER = "servers", "ledger"
_HAPROXY = """\
global
    maxconn 4000
defaults
    mode http
    timeout connect 1s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
    # A busy server answers late. Taken for dead, it would lose what it is being asked.
    timeout check 10s
    retries 3
    option redispatch
frontend address
    bind 127.0.0.1:{port}
    default_backend servers
backend servers
    balance leastconn
    option httpchk GET /api/health
    default-server check inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
{servers}
"""


def up(env: dict[str, str]) -> None:
    """Start what is missing of it, and register blocks and deployments there.

    Raises:
        Unavailable: A part ends or does not get ready, or PostgreSQL cannot be had here.
    """
    need({"redis-server": "redis-server", "haproxy": "/usr/sbin/haproxy"}, "two Prefect servers")
    _start_redis()
    settings = _settings()
    if any(processes.pid_of(name) is None for name in (*APIS, SERVICES)):
        database.create(_DATABASE)
        database.create(_LEDGER)
        _migrate(settings)
    for name in APIS:
        # On a new database, two that start at once make the same block types, and one dies of it.
        _start_api(name)
        processes.wait_until(_serves(name), name, 120)
    if processes.pid_of(SERVICES) is None:
        processes.start(SERVICES, [server.PREFECT, "server", "services", "start"], env=settings)
    _start_proxy()
    processes.wait_until(_serves(PROXY), PROXY)
    ledger = {"SHIPWAY_LEDGER_URL": database.url(_LEDGER)}
    server.deploy({**env, **client(), **ledger}, "servers_deployed")


def _start_redis() -> None:
    """Start Redis; what it had stays over a restart."""
    if processes.pid_of(REDIS) is None:
        folder = STATE / REDIS
        folder.mkdir(exist_ok=True)
        settings = {"bind": "127.0.0.1", "port": str(fresh_port(REDIS)), "dir": str(folder)}
        settings |= {"appendonly": "yes", "save": ""}
        options = [part for key, value in settings.items() for part in (f"--{key}", value)]
        processes.start(REDIS, ["redis-server", *options])
    processes.wait_until(_redis_answers, REDIS)


def _start_api(name: str) -> None:
    """Start one of the servers, unless it runs."""
    if processes.pid_of(name) is None:
        listen = ["--host", "127.0.0.1", "--port", str(port(name))]
        command = [server.PREFECT, "server", "start", "--no-services", *listen]
        processes.start(name, command, env=_settings())


def client() -> dict[str, str]:
    """What a Prefect client needs to reach whichever server answers."""
    return {"PREFECT_API_URL": f"http://127.0.0.1:{port(PROXY)}/api"}


def where() -> dict[str, str]:
    """Where the servers, and what they keep, are; known before they are up."""
    return {
        "SHIPWAY_SERVERS_API_URL": client()["PREFECT_API_URL"],
        "SHIPWAY_SERVERS_DATABASE": database.url(_DATABASE),
        "SHIPWAY_SERVERS_LEDGER": database.url(_LEDGER),
        "SHIPWAY_SERVERS_REDIS": _redis(),
    }


def _redis() -> str:
    return f"redis://127.0.0.1:{port(REDIS)}"


def _settings() -> dict[str, str]:
    redis = _redis()
    return {
        **server.settings(),
        **server.SETTINGS,
        **client(),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database.url(_DATABASE),
        # Any 32 bytes. Without it, the key is in the database, beside what it encrypts.
        "PREFECT_SERVER_ENCRYPTION_KEY": base64.urlsafe_b64encode(
            secret("encryption_key").encode()
        ).decode(),
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
        "PREFECT_MESSAGING_BROKER": "prefect_redis.messaging",
        "PREFECT_MESSAGING_CACHE": "prefect_redis.messaging",
        "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
        "PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE": "prefect_redis.cleanup_queue",
        "PREFECT_REDIS_MESSAGING_URL": f"{redis}/0",
        # An event that comes while a timer publishes those before it is lost: each goes at once.
        "PREFECT_REDIS_MESSAGING_PUBLISHER_BATCH_SIZE": "1",
        "PREFECT_REDIS_MESSAGING_PUBLISHER_PUBLISH_EVERY": "86400",
        "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL": f"{redis}/0",
        "PREFECT_SERVER_DOCKET_URL": f"{redis}/1",
    }


def _migrate(settings: dict[str, str]) -> None:
    command = [server.PREFECT, "server", "database", "upgrade", "--yes"]
    env = {**os.environ, **settings}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"`{' '.join(command[1:])}` failed: {done.stderr.strip()}")


def _start_proxy() -> None:
    if processes.pid_of(PROXY) is None:
        servers = "\n".join(f"    server {name} 127.0.0.1:{port(name)}" for name in APIS)
        file = STATE / "haproxy.cfg"
        file.write_text(_HAPROXY.format(port=fresh_port(PROXY), servers=servers))
        processes.start(PROXY, ["/usr/sbin/haproxy", "-db", "-f", str(file)])


def _serves(name: str) -> Callable[[], bool]:
    return lambda: processes.serves(f"http://127.0.0.1:{port(name)}/api/health")


def _redis_answers() -> bool:
    ping = ["redis-cli", "-p", str(port(REDIS)), "ping"]
    return subprocess.run(ping, capture_output=True, check=False).stdout.strip() == b"PONG"
