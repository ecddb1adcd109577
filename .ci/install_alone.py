"""Install each distribution of a folder alone, on every Python of this machine, and run the README's first examples.

    python .ci/install_alone.py dist

Each Python gets a virtual environment of its own, without any extra. Torch is installed beside the Python that runs this; on the others, whose builds of
torch can bring gigabytes of accelerator libraries, the package stands alone without it.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from newest_python import candidates, version

ROOT = Path(__file__).parents[1]
INSTALL = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "-c",
    ROOT / "constraints.txt",
]


def pythons(lowest=(3, 11)):
    """One interpreter for each version of Python that works."""
    found = {}
    for interpreter in dict.fromkeys(candidates()):
        found.setdefault(version(interpreter), interpreter)
    return {known: found[known] for known in sorted(key for key in found if key and key >= lowest)}


def first_examples():
    """The section "Twelve lines" of the README."""
    return re.search(
        r"## Twelve lines\n(.*?)\n## ", (ROOT / "README.md").read_text("utf-8"), re.S
    ).group(1)


def dependencies_but_torch():
    """As `pyproject.toml` has them."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return [one for one in declared if not re.match(r"torch\b", one)]


def run(*command, folder):
    """In a folder; an error of the command is one of ours."""
    subprocess.run([str(part) for part in command], cwd=folder, check=True)


def install(python, distribution, with_torch, folder):
    """With what it depends on."""
    if with_torch:
        run(python, *INSTALL, distribution, folder=folder)
    else:
        run(python, *INSTALL, *dependencies_but_torch(), folder=folder)
    run(python, *INSTALL, "--force-reinstall", "--no-deps", distribution, folder=folder)


def try_alone(interpreter, distributions, with_torch):
    """In an empty folder, without anything of the environment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "examples.txt").write_text(first_examples(), encoding="utf-8")
        run(interpreter, "-m", "venv", folder / "venv", folder=folder)
        python = folder / "venv" / "bin" / "python"
        for distribution in distributions:
            install(python, distribution, with_torch, folder)
            if with_torch:  # without it a few names are not to be had
                run(python, "-I", "-c", "from sklearn_ftr import *", folder=folder)
            run(
                python,
                "-I",
                "-m",
                "doctest",
                "-o",
                "NORMALIZE_WHITESPACE",
                "examples.txt",
                folder=folder,
            )


def main(folder):
    """Say which Python has passed."""
    distributions = [
        path for pattern in ("*.whl", "*.tar.gz") for path in Path(folder).resolve().glob(pattern)
    ]
    assert len(distributions) == 2, (
        f"{folder} holds {len(distributions)} distributions; expected a wheel and a source distribution."
    )
    for known, interpreter in pythons().items():
        with_torch = known == sys.version_info[:2]
        try_alone(interpreter, distributions, with_torch)
        words = "" if with_torch else ", without torch"
        print(
            f"Installed alone on Python {'.'.join(map(str, known))}{words}: wheel and source distribution pass.",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1])
