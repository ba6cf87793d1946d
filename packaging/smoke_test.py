"""Run what `build.py` made for Linux as a user without Python and without network would.

    python3 packaging/smoke_test.py build/dist/retort-*.tar.zst
    python3 packaging/smoke_test.py build/dist/retort*.{tar.zst,deb} --clean-root FOLDER     (as root)

Each download is installed, then: doctor, one answer of the built-in model, the window under Xvfb, in which a
question is typed and its answer has to be kept, removal. Without --clean-root the archive is installed
for one user of this computer, below a temporary HOME. With it archive and package get a Debian of their own,
which debootstrap makes in FOLDER at the first call: the package's Depends from the mirror and nothing else.
Either way there is no network while Retort is installed and runs. Needs unshare, Xvfb, xdotool and, for
pictures, ImageMagick's import; with --clean-root debootstrap and root.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

from checking.clean_root import InCleanRoot
from checking.installed import ForThisUser, Installed, asked
from checking.window import check_window

CONTROL = Path(__file__).resolve().parent / "linux" / "control.in"


def check(installed: Installed, picture: Path | None) -> None:
    """All that is asked of one download; raises where something of it does not work."""
    report = asked(installed, "doctor", "--json")
    assert report["problems"] == [], report["problems"]
    print(f"doctor: {report['engine_modules']}; {report['system']}; devices {report['devices']}")
    answer = asked(installed, "run", "builtin", "Hello", "--json")
    assert answer["text"].strip(), answer
    print(f"run builtin: {answer['text'].strip()[:60]!r}")
    check_window(installed, picture)
    left = installed.remove()
    assert left == [], left
    assert list(installed.home.rglob("conversations.sqlite3")), "the user's conversations are gone"
    print("removed: the user's data is left, nothing else")


def depends() -> str:
    """What the Debian package depends on; whoever takes the archive has to have the same."""
    found = re.search(r"^Depends: (.+)$", CONTROL.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def main() -> int:
    """Check the downloads; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("downloads", type=Path, nargs="+")
    parser.add_argument(
        "--clean-root", type=Path, metavar="FOLDER", help="where clean roots are made and kept"
    )
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="where to keep what windows looked like"
    )
    chosen = parser.parse_args()
    os.umask(0o022)
    if chosen.pictures:
        chosen.pictures.mkdir(parents=True, exist_ok=True)
    for download in chosen.downloads:
        print(f"{download.name}:")
        picture = chosen.pictures / f"{download.name}.png" if chosen.pictures else None
        if chosen.clean_root:
            check(InCleanRoot(download, chosen.clean_root.resolve(), depends()), picture)
        elif download.suffix == ".deb":
            parser.error("a package is installed as root: it needs --clean-root")
        else:
            with tempfile.TemporaryDirectory(prefix="retort-smoke-") as folder:
                check(ForThisUser(download, Path(folder)), picture)
    print("all of it works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
