"""What the bundle's executables run: the application, or the child that another process asked for."""

import sys

from engine.contract.processes import is_child_command, run_child

if __name__ == "__main__":
    if is_child_command(sys.argv[1:]):
        run_child(sys.argv[1:])
    else:
        from app.__main__ import main  # (a child needs nothing of it)

        sys.exit(main())
