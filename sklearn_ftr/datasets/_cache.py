"""Where fetched files live and how they get there: a local copy, the cache or a download, always checked.

Nothing is returned, and nothing is cached, before its checksum has been compared. The cache only saves time: where
it cannot be read or written, what has been fetched and checked is returned all the same.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
import tempfile
import warnings
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


class CacheWarning(UserWarning):
    """A fetched file could not be kept in the cache folder and will be fetched again."""


def data_home(folder: PathLike | None = None) -> Path:
    """The cache folder: the argument, $SKLEARN_FTR_DATA, or ~/.cache/sklearn_ftr; made if it is not there.

    Raises
    ------
    TypeError
        `folder` is no path.
    OSError
        It cannot be made, or the home folder that it lies in is not known.
    """
    path = _cache_folder(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _cache_folder(folder: PathLike | None) -> Path:
    chosen = folder or os.environ.get("SKLEARN_FTR_DATA")
    return _expanded(chosen, "data_folder") if chosen else _known(Path.home) / ".cache" / "sklearn_ftr"


def _expanded(path: PathLike, argument: str) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{argument} is of type {type(path).__name__}; expected a path.")
    return _known(Path(path).expanduser)


def _known(home: Callable[[], Path]) -> Path:
    try:
        return home()
    except RuntimeError as error:  # there is neither $HOME nor a user of this number or name
        raise OSError(f"the home folder is not known: {error}") from error


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

    To be called by the public function itself: its caller's line is the one that a warning shows.

    Raises
    ------
    TypeError
        `data_folder` or `source` is no path.
    OSError
        `source` cannot be read; or there is no copy in the cache, and `fetch` fails.
    ChecksumError
        From `check`, for `source` and for what has been fetched. A damaged copy in the cache is fetched
        again.

    Warns
    -----
    CacheWarning
        What has been fetched could not be kept: the disk is full, or the folder cannot be written to.
    """
    if source is not None:
        return check(_read_source(source, name), str(source))
    try:
        cached = data_home(data_folder) / name
        return check(cached.read_bytes(), str(cached))
    except OSError as error:  # no copy, none that can be read, or a damaged one (ChecksumError)
        no_copy = error
    try:
        content = fetch()
    except OSError as error:
        raise OSError(f"{error}. {_way_out(name, data_folder, no_copy)}") from error
    result = check(content, f"the fetched {name}")
    try:
        _write(data_home(data_folder) / name, content)
    except OSError as error:
        warnings.warn(_not_kept(name, data_folder, error), CacheWarning, stacklevel=3)
    return result


def _read_source(source: PathLike, name: str) -> bytes:
    path = _expanded(source, "source")
    try:
        return path.read_bytes()
    except OSError as error:
        raise type(error)(
            f"source={str(source)!r} cannot be read ({_reason(error)}); expected a local copy of {name}."
        ) from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _way_out(name: str, data_folder: PathLike | None, no_copy: OSError) -> str:
    advice = "Pass a local copy as source="
    with suppress(OSError):
        advice += f", or save one as {_cache_folder(data_folder) / name}"
    if isinstance(no_copy, FileNotFoundError):
        return f"{advice}."
    return f"{advice}; what is there cannot be used: {_reason(no_copy)}"


def _not_kept(name: str, data_folder: PathLike | None, error: OSError) -> str:
    with suppress(OSError):
        name = str(_cache_folder(data_folder) / name)
    return (
        f"The fetched file could not be kept as {name} ({_reason(error)}) and will be fetched again; pass a folder "
        "that can be written to as data_folder=, or set SKLEARN_FTR_DATA to one."
    )


def _write(path: Path, content: bytes) -> None:
    """Never half a file under the final name, and a name of its own for each thread's and process's half."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


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
        options = ["--no-deps", "--no-binary", name, "--require-hashes", "-r", str(requirements)]
        error = _pip("download", *options, "-d", folder, folder=folder)
        archives = list(Path(folder).glob("*.tar.gz"))
        if error or not archives:
            raise OSError(f"pip could not download {requirement}: {error or 'it left no archive'}")
        return archives[0].read_bytes()


def _pip(*arguments: str, folder: str) -> str:
    """Run pip in a folder; what went wrong, in one line, or nothing.

    `-P` and the folder keep a pip.py or a json.py of the user's own folder from being run in the place of pip and
    the standard library. Python's `-I` would do so too, but would not find a pip on PYTHONPATH or in the user's site.
    """
    command = [
        sys.executable,
        "-P",
        "-m",
        "pip",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ]
    try:
        done = subprocess.run(
            [*command, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=300,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "no answer within 300 s"
    return _complaint(done.stderr) if done.returncode else ""


def _complaint(stderr: str) -> str:
    """The last line that is an error; details may stand below it."""
    lines = stderr.strip().splitlines() or ["pip said nothing"]
    return next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1])
