"""Where fetched files live and how they get there: a local copy, the cache or a download, always checked.

Nothing is returned, and nothing is cached, before its checksum has been compared.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import TypeVar
from urllib.request import urlopen

PathLike = str | os.PathLike[str]
Checked = TypeVar("Checked")


class ChecksumError(OSError, ValueError):
    """A file is not the one that this version was written for."""


def data_home(folder: PathLike | None = None) -> Path:
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


def obtain(
    name: str,
    data_folder: PathLike | None,
    source: PathLike | None,
    *,
    fetch: Callable[[], bytes],
    check: Callable[[bytes, str], Checked],
) -> Checked:
    """What `check` makes of the file at `source`, of the cached one or of what `fetch` brings.

    Raises
    ------
    OSError
        There is no local copy, and `fetch` fails.
    ChecksumError
        From `check`, for `source` and for what has been fetched. A damaged copy in the cache is fetched
        again.
    """
    if source is not None:
        return check(Path(source).read_bytes(), str(source))
    cached = data_home(data_folder) / name
    with suppress(FileNotFoundError, ChecksumError):
        return check(cached.read_bytes(), str(cached))
    try:
        content = fetch()
    except OSError as error:
        raise OSError(f"{error}. Pass a local copy as source=, or save one as {cached}.") from error
    result = check(content, f"the fetched {name}")
    _write(cached, content)
    return result


def _write(path: Path, content: bytes) -> None:
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(path)  # never half a file under the final name


def download(url: str, timeout: float = 60.0) -> bytes:
    """The content behind an https:// or file:// address.

    Raises
    ------
    ValueError
        Another kind of address.
    OSError
        It cannot be read: no network, no such file, no answer within `timeout` seconds.
    """
    if not url.startswith(("https://", "file://")):
        raise ValueError(f"{url} is not fetched; expected an address with https:// or file://.")
    try:
        with urlopen(url, timeout=timeout) as answer:
            return answer.read()
    except (OSError, HTTPException) as error:
        raise OSError(f"{url} could not be downloaded: {error!r}") from error


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
