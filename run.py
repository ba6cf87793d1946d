#!/usr/bin/env python3
"""Retort, from a fresh clone: prepares everything it needs (once), then starts it or tests it.

    python3 run.py                  opens the window
    python3 run.py run MODEL "..."  any word of the command line: `python3 run.py help` lists them
    python3 run.py test             runs every test; --quick leaves out the slow ones, --without-torch those
                                    that need torch (about 190 MB), and what follows -- goes to pytest

On Windows it is `py run.py`. Everything is kept in this folder (.venv) and in Retort's cache folder.
This file also has to start under an old Python, to say that it is too old: so nothing newer than 3.6 here.
"""

import sys

OLDEST = (3, 11)


def too_old(version: "tuple[int, ...]") -> str:
    """Return the line to show under a Python older than OLDEST, else an empty string."""
    if version >= OLDEST:
        return ""
    return (
        f"retort: this is Python {version[0]}.{version[1]}, and Retort needs {OLDEST[0]}.{OLDEST[1]} or "
        "newer: install it and start again with it, for example `python3.11 run.py`"
    )


if __name__ == "__main__":
    sentence = too_old(sys.version_info[:2])
    if sentence:
        sys.stderr.write(sentence + "\n")
        sys.exit(1)
    if sys.argv[1:] in (["--help"], ["-h"]):
        sys.stdout.write(str(__doc__))
        sys.exit(0)
    from set_up.commands import main

    sys.exit(main(sys.argv[1:], __file__))
