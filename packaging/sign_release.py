"""Announce a release: sign the small file that `retort update` reads. A maintainers' tool; needs openssl 3.

    python3 packaging/sign_release.py new-key PRIVATE.pem            the pair; the public one into resources/
    python3 packaging/sign_release.py sign RELEASE.json PRIVATE.pem release.signed

RELEASE.json has serial (one more than in the last file), version, date, expires, news and page, as
`engine.gateway.updates.Release` says. The private key is never in the repository: it lies with whoever
releases, and in a second place. Who has it can announce a version, and nothing else.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = ROOT / "resources" / "release-key.pub"
SIGNED_PREFIX = b"retort-release-1\n"  # as `engine.gateway.updates` has it
FIELDS = {"serial", "version", "date", "expires", "news", "page"}


def make_key(private: Path, public: Path) -> None:
    """Make a pair of keys; raises SystemExit where the private one is there already."""
    if private.exists():
        raise SystemExit(f"{private} is there already")
    os.close(os.open(private, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    _openssl("genpkey", "-algorithm", "ed25519", "-out", str(private))
    whole = _openssl("pkey", "-in", str(private), "-pubout", "-outform", "DER")
    public.write_text(base64.b64encode(whole[-32:]).decode() + "\n", encoding="utf-8")


def sign(release: bytes, private: Path, target: Path) -> None:
    """Write the announcement: the signature's line, then the release as it is."""
    with tempfile.TemporaryDirectory() as folder:
        message = Path(folder) / "message"
        message.write_bytes(SIGNED_PREFIX + release)
        signature = _openssl("pkeyutl", "-sign", "-inkey", str(private), "-rawin", "-in", str(message))
    target.write_bytes(base64.b64encode(signature) + b"\n" + release)


def check_fields(release: bytes) -> None:
    """Raise SystemExit where something is missing, or more than is known."""
    found = set(json.loads(release))
    if found != FIELDS:
        raise SystemExit(f"missing: {sorted(FIELDS - found)}; not known: {sorted(found - FIELDS)}")


def main() -> None:
    """Make a key or sign a release."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("new-key").add_argument("private", type=Path)
    signing = commands.add_parser("sign")
    for name in ("release", "private", "target"):
        signing.add_argument(name, type=Path)
    chosen = parser.parse_args()
    if chosen.command == "new-key":
        make_key(chosen.private, PUBLIC)
        print(f"{PUBLIC}: commit it; {chosen.private}: keep it, and never here")
        return
    release = chosen.release.read_bytes()
    check_fields(release)
    sign(release, chosen.private, chosen.target)
    print(f"{chosen.target}: signed")


def _openssl(*words: str) -> bytes:
    return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout


if __name__ == "__main__":
    main()
