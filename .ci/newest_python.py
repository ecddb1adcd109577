"""Print the newest released Python of this machine that can make virtual environments: on PATH, or one of pyenv's."""

import os
import re
import subprocess
import sys
from pathlib import Path

PROBE = (
    "import ensurepip, sys, venv; v = sys.version_info;"
    "print(v.major, v.minor) if v.releaselevel == 'final' else sys.exit(1)"
)


def candidates():
    """Interpreters by name; some may be broken, or stand in for versions that are not there."""
    yield Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [Path(folder) for folder in os.get_exec_path()]
    for folder in [*folders, *sorted(pyenv.glob("versions/*/bin"))]:
        if folder.is_dir():
            yield from sorted(
                path for path in folder.iterdir() if re.fullmatch(r"python3\.\d+", path.name)
            )


def version(interpreter):
    """Its version, or None where it does not work."""
    try:
        done = subprocess.run(
            [interpreter, "-c", PROBE], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(map(int, done.stdout.split()))


def main():
    """The newest of those that work; among those that differ in the last number only, the first one."""
    found = [(version(interpreter), interpreter) for interpreter in dict.fromkeys(candidates())]
    print(max(((known, path) for known, path in found if known), key=lambda pair: pair[0])[1])


if __name__ == "__main__":
    main()
