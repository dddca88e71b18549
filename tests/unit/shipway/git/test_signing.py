from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from shipway.errors import RefuseError
from shipway.git.commit import Author, commit_files
from shipway.git.signing import Signing
from tests.support.origin import Origin
from tests.support.packages import have


def signed_commit(origin: Origin, signing: Signing, key: str) -> str:
    start = origin.commit({"a": b"1"})
    author = Author(
        name="Shipway", email="bot@example.org", signing=signing, key=SecretStr(key.strip())
    )
    return commit_files(origin.mirror(), start, {"a": b"2"}, "release", author)


def leftovers() -> set[str]:
    return {path.name for path in Path(os.environ.get("TMPDIR", "/tmp")).glob("shipway-sign-*")}


def test_a_commit_signed_with_an_ssh_key_is_verified(origin: Origin, tmp_path: Path) -> None:
    before = leftovers()
    key = tmp_path / "key"
    subprocess.run(
        [have("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "", "-f", str(key)],
        check=True,
    )
    commit = signed_commit(origin, "ssh", key.read_text())
    signers = tmp_path / "signers"
    signers.write_text(f"bot@example.org {key.with_suffix('.pub').read_text()}")
    command = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={signers}"]
    said = origin.bare.git.execute(
        ["git", *command, "verify-commit", commit], with_extended_output=True
    )
    assert 'Good "git" signature for bot@example.org' in str(said)
    assert leftovers() == before


def test_a_commit_signed_with_an_openpgp_key_is_verified(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = leftovers()
    gpg = have("gpg", "gnupg")
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    make = [gpg, "--batch", "--passphrase", "", "--quick-gen-key", "Bot <bot@example.org>"]
    subprocess.run([*make, "ed25519", "sign"], check=True, capture_output=True)
    export = [gpg, "--batch", "--armor", "--export-secret-keys"]
    key = subprocess.run(export, check=True, capture_output=True, text=True).stdout
    commit = signed_commit(origin, "openpgp", key)
    said = origin.bare.git.verify_commit(commit, with_extended_output=True)
    subprocess.run(["gpgconf", "--kill", "all"], check=True)
    assert 'Good signature from "Bot <bot@example.org>"' in str(said)
    assert leftovers() == before


@pytest.mark.parametrize(
    ("signing", "said"), [("openpgp", "no valid OpenPGP data found"), ("ssh", "key")]
)
def test_a_key_that_is_none_is_refused_before_anything_is_committed(
    origin: Origin, signing: Signing, said: str
) -> None:
    have("gpg", "gnupg")
    have("ssh-keygen", "openssh-client")
    with pytest.raises(RefuseError, match="The commit cannot be signed") as caught:
        signed_commit(origin, signing, "no key")
    assert said in str(caught.value.facts["got"])


def test_without_a_key_there_is_no_signature(origin: Origin) -> None:
    start = origin.commit({"a": b"1"})
    author = Author(name="Shipway", email="bot@example.org")
    commit = commit_files(origin.mirror(), start, {"a": b"2"}, "release", author)
    assert "gpgsig" not in origin.bare.git.cat_file("commit", commit)
