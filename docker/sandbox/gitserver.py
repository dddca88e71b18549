"""A Git server over http with a password: git's own http-backend behind lighttpd."""

from __future__ import annotations

import base64
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import processes
from packages import need
from state import STATE, fresh_port, port, secret

NAME = "git-server"
USER = "shipway"
ROOT = STATE / "git"


def up() -> None:
    """Start the server over <state>/git."""
    ROOT.mkdir(parents=True, exist_ok=True)
    if processes.pid_of(NAME) is None:
        need({"git": "git", "lighttpd": "/usr/sbin/lighttpd"}, "the Git server")
        fresh_port("git")
        password = STATE / "git.password"
        password.touch(mode=0o600)
        password.write_text(f"{USER}:{secret('git_password')}\n")
        gitconfig = STATE / "git-server.gitconfig"
        gitconfig.write_text(
            "[safe]\n\tdirectory = *\n[http]\n\treceivepack = true\n"
            "[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n"
        )
        config = STATE / "lighttpd.conf"
        config.write_text(_config(password, gitconfig))
        processes.start(NAME, ["/usr/sbin/lighttpd", "-D", "-f", str(config)])
    processes.wait_until(answers, NAME)


def url() -> str:
    """Address of the server; a repository is at <url>/<name>.git."""
    return f"http://127.0.0.1:{port('git')}"


def answers() -> bool:
    """Whether the server lets its own user in."""
    token = base64.b64encode(f"{USER}:{secret('git_password')}".encode()).decode()
    request = urllib.request.Request(url(), headers={"Authorization": f"Basic {token}"})
    try:
        with urllib.request.urlopen(request, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code != 401
    except OSError:
        return False


def _config(password: Path, gitconfig: Path) -> str:
    core = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    backend = Path(core.stdout.strip()) / "git-http-backend"
    return f"""server.modules = ("mod_auth", "mod_authn_file", "mod_setenv", "mod_alias", "mod_cgi")
server.bind = "127.0.0.1"
server.port = {port("git")}
server.document-root = "{ROOT}"
server.upload-dirs = ("{STATE}")
auth.backend = "plain"
auth.backend.plain.userfile = "{password}"
auth.require = ("/" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
alias.url = ("/" => "{backend}/")
setenv.add-environment = (
  "GIT_PROJECT_ROOT" => "{ROOT}",
  "GIT_HTTP_EXPORT_ALL" => "1",
  "GIT_CONFIG_GLOBAL" => "{gitconfig}",
  "GIT_CONFIG_NOSYSTEM" => "1"
)
cgi.assign = ("" => "")
"""
