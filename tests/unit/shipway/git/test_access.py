from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from shipway.errors import FailError, RefuseError, RetryError, ShipwayError
from shipway.git.access import (
    Access,
    check_ref,
    check_url,
    explain,
    git_environment,
)
from shipway.git.cache import Remote, open_cache
from shipway.git.command import CommandError, run_git

URL = "https://git.example.org/team/shop.git"


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "http://localhost:3000/shop",
        "https://reader@git.example.org/shop",
        "ssh://git@git.example.org:22/shop",
        "file:///srv/shop.git",
        "git@git.example.org:team/shop.git",
    ],
)
def test_a_url_that_names_a_remote_is_taken_as_it_is(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("--upload-pack=x", "a repository URL cannot begin with a dash"),
        ("-git@host:path", "a repository URL cannot begin with a dash"),
        ("", "expected http://, https://, ssh://, file:// or user@host:path"),
        ("/srv/shop.git", "expected http://, https://, ssh://, file:// or user@host:path"),
        ("ext::sh -c true", "expected http://, https://, ssh://, file:// or user@host:path"),
        ("git://host/shop", "expected http://, https://, ssh://, file:// or user@host:path"),
        ("u:secret@host:shop", "expected http://, https://, ssh://, file:// or user@host:path"),
        ("ssh://-oProxyCommand=x/y", "a host name cannot begin with a dash"),
        ("git@-oProxyCommand=x:y", "a host name cannot begin with a dash"),
        ("https://host/a\nb", "the URL holds control characters"),
        ("https://u:secret@host/x", "the URL holds a password: put it into the password field"),
        ("https://:secret@host/x", "the URL holds a password: put it into the password field"),
        ("ssh://u:secret@host/x", "the URL holds a password: put it into the password field"),
    ],
)
def test_any_other_url_is_refused_without_repeating_it(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}$"):
        check_url(url)


@pytest.mark.parametrize(
    "ref", ["main", "v1.0.0", "a" * 40, "feature/x-1", "user@work", "1.x+build", "_a"]
)
def test_a_branch_a_tag_or_a_commit_is_a_ref(ref: str) -> None:
    assert check_ref(ref) == ref


@pytest.mark.parametrize(
    "ref",
    ["", "-x", "--all", "a b", "a..b", "a~1", "a^", "a:b", "a@{1}", "@", "/a", "a*", "a\n", "a\\b"],
)
def test_what_git_could_take_for_something_else_is_refused(ref: str) -> None:
    with pytest.raises(RefuseError) as caught:
        check_ref(ref)
    assert str(caught.value) == (
        "Not a revision.\n"
        "  expected:  a branch, a tag or a commit id\n"
        f"  got:       {ref!r}\n"
        "  untouched: everything: nothing was fetched"
    )


def test_git_gets_no_prompt_no_hooks_no_helper_and_no_foreign_transport(tmp_path: Path) -> None:
    environment = git_environment(Access(), tmp_path)
    count = int(environment["GIT_CONFIG_COUNT"])
    settings = {
        environment[f"GIT_CONFIG_KEY_{index}"]: environment[f"GIT_CONFIG_VALUE_{index}"]
        for index in range(count)
    }
    assert settings == {
        "credential.helper": "",
        "core.hooksPath": "/dev/null",
        "core.fsmonitor": "false",
        "gc.auto": "0",
        "maintenance.auto": "false",
        "core.filesRefLockTimeout": "3000",
        "core.packedRefsTimeout": "3000",
        "protocol.ext.allow": "never",
        "submodule.recurse": "false",
    }
    assert (environment["GIT_TERMINAL_PROMPT"], environment["LC_ALL"]) == ("0", "C")
    assert not any(name.startswith("SHIPWAY_") for name in environment)


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("Username for 'https://git.example.org': ", "reader"),
        ("Password for 'https://reader@git.example.org': ", "p ass\"'$x"),
    ],
)
def test_askpass_answers_git_with_the_credentials(prompt: str, answer: str, tmp_path: Path) -> None:
    access = Access(username="reader", password=SecretStr("p ass\"'$x"))
    environment = git_environment(access, tmp_path)
    assert list(tmp_path.iterdir()) == []
    said = subprocess.run(
        [environment["GIT_ASKPASS"], prompt],
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout == f"{answer}\n"


def test_a_mirror_is_made_once_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    with open_cache(Remote(folder, URL, Access(), 10)) as first:
        assert run_git(first, "rev-parse", "--is-bare-repository") == b"true\n"
    access = Access(username="reader", password=SecretStr("secret"))
    with open_cache(Remote(folder, URL, access, 10)) as second:
        assert run_git(second, "remote", "--verbose").decode().splitlines() == [
            f"origin\t{URL} (fetch)",
            f"origin\t{URL} (push)",
        ]
    assert "secret" not in (folder / "config").read_text()


def test_a_mirror_that_was_left_half_made_is_completed(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "mirror")], check=True)
    with open_cache(Remote(tmp_path / "mirror", URL, Access(), 10)) as git:
        assert run_git(git, "config", "remote.origin.url").decode().strip() == URL


def test_keys_are_files_only_while_the_repository_is_open(tmp_path: Path) -> None:
    access = Access(ssh_key=SecretStr("KEY"), known_hosts="h ssh-ed25519 AAAA", ca_certificate="CA")
    with open_cache(Remote(tmp_path / "mirror", URL, access, 10)) as git:
        environment = git.environment
        words = shlex.split(environment["GIT_SSH_COMMAND"])
        options = dict(option.split("=", 1) for option in words if "=" in option)
        files = {name: Path(options[name]) for name in ("IdentityFile", "UserKnownHostsFile")}
        assert {name: path.read_text() for name, path in files.items()} == {
            "IdentityFile": "KEY\n",
            "UserKnownHostsFile": "h ssh-ed25519 AAAA\n",
        }
        assert files["IdentityFile"].stat().st_mode & 0o777 == 0o600
        assert files["IdentityFile"].parent.stat().st_mode & 0o777 == 0o700
        assert options["StrictHostKeyChecking"] == "yes"
        assert Path(environment["GIT_SSL_CAINFO"]).read_text() == "CA\n"
    assert not files["IdentityFile"].parent.exists()


def explained(words: str) -> ShipwayError:
    error = CommandError(["git", "fetch"], 128, words)
    return explain(error, URL, "fetching")


@pytest.mark.parametrize(
    "words",
    [
        "fatal: unable to access 'https://h/': Could not resolve host: h",
        "fatal: unable to access 'https://h/': Failed to connect to h port 443",
        "fatal: unable to access 'https://h/': The requested URL returned error: 503",
        "error: RPC failed; HTTP 502 curl 22",
        "fatal: the remote end hung up unexpectedly",
        "fetch-pack: unexpected disconnect while reading sideband packet\nfatal: early EOF",
        "ssh: connect to host h port 22: Connection refused",
        "ssh: connect to host h port 22: Connection timed out",
        'Timeout: the command "git push" did not complete in 5 secs.',
    ],
)
def test_a_server_that_cannot_be_reached_is_tried_again(words: str) -> None:
    found = explained(words)
    assert type(found) is RetryError
    assert found.what == "The Git server cannot be reached while fetching."
    assert found.facts == {
        "where": URL,
        "expected": None,
        "got": words,
        "untouched": None,
        "remedy": "check that the server runs and that the worker reaches it",
    }


@pytest.mark.parametrize(
    "words",
    [
        "fatal: Authentication failed for 'https://h/x/'; giving up",
        "fatal: unable to access 'https://h/': The requested URL returned error: 403",
        "git@h: Permission denied (publickey).",
        "remote: HTTP Basic: Access denied",
    ],
)
def test_denied_access_is_refused_with_where_to_correct_it(words: str) -> None:
    found = explained(words)
    assert type(found) is RefuseError
    assert str(found) == (
        "Git was denied access while fetching.\n"
        f"  where:     {URL}\n"
        f"  got:       {words}\n"
        "  remedy:    check username and password of the repository's block in the Prefect UI"
    )


@pytest.mark.parametrize(
    "words",
    [
        "fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate",
        "Host key verification failed.\nfatal: Could not read from remote repository.",
    ],
)
def test_a_server_with_another_key_is_refused(words: str) -> None:
    found = explained(words)
    assert type(found) is RefuseError
    assert found.what == (
        "The Git server is not the one that was expected; found out while fetching."
    )


@pytest.mark.parametrize(
    "words",
    [
        "fatal: repository 'https://h/x/' not found",
        "fatal: unable to access 'https://h/': The requested URL returned error: 404",
        "fatal: '/srv/x' does not appear to be a git repository",
    ],
)
def test_a_repository_that_is_not_there_is_refused(words: str) -> None:
    found = explained(words)
    assert type(found) is RefuseError
    assert str(found) == (
        "There is no Git repository there; found out while fetching.\n"
        f"  where:     {URL}\n"
        f"  got:       {words}\n"
        "  remedy:    check the url of the repository's block in the Prefect UI"
    )


@pytest.mark.parametrize("words", ["fatal: bad object HEAD", "error: unknown option", ""])
def test_any_other_failure_fails_with_gits_own_words(words: str) -> None:
    found = explained(words)
    assert type(found) is FailError
    assert (found.what, found.facts["got"]) == ("Git failed while fetching.", words)


@pytest.mark.parametrize(
    "words",
    [
        "fatal: unable to access 'https://h:5000/': Unsupported protocol",
        "fatal: unable to access 'https://h/shop-512/': Unsupported protocol",
    ],
)
def test_a_port_or_a_name_with_a_five_in_it_is_no_server_error(words: str) -> None:
    assert type(explained(words)) is FailError


def test_gits_words_stay_whole_when_they_end_in_a_quote() -> None:
    words = "fatal: Authentication failed for 'https://h/x/'"
    assert explained(words).facts["got"] == words


def test_a_fetch_and_a_push_at_once_have_no_ref_in_common(tmp_path: Path) -> None:
    with open_cache(Remote(tmp_path / "mirror", URL, Access(), 10)) as git:
        # Nothing tracks the remote's branches: both would write it.
        settings = run_git(git, "config", "--get-regexp", r"^remote\.").decode()
        assert settings == f"remote.origin.url {URL}\n"
