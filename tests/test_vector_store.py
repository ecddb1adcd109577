"""Vectors of texts in a file: what is damaged is computed anew, what cannot be written is used all the same."""

import sqlite3
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

pytest.importorskip("torch")

from sklearn_ftr import EmbeddingCacheWarning
from sklearn_ftr.finetuning import _vector_store
from sklearn_ftr.finetuning._vector_store import FileStore

WIDTH = 6


def some_vectors(n=2000, seed=0):
    values = np.random.default_rng(seed).normal(size=(n, WIDTH)).astype(np.float32)
    return {f"{seed}-{number}".encode(): row for number, row in enumerate(values)}


def opened(folder):
    return FileStore(folder, "model", WIDTH)


def same(found, expected):
    assert set(found) == set(expected)
    for key, vector in expected.items():
        np.testing.assert_array_equal(found[key], vector)


@pytest.fixture
def store(tmp_path):
    """A store with 2,000 vectors."""
    opened(tmp_path).add(some_vectors())
    return opened(tmp_path)


def execute(store, *command):
    with closing(sqlite3.connect(store.path)) as file, file:
        file.execute(*command)


def test_vectors_are_found_by_whoever_opens_the_file(store, tmp_path):
    same(store.find(list(some_vectors())), some_vectors())
    assert store.find([b"another"]) == {}
    store.add(some_vectors(5, seed=1))
    same(opened(tmp_path).find(list(some_vectors(5, seed=1))), some_vectors(5, seed=1))


@pytest.mark.parametrize("where", ["a?b#c%d", "with space", "é"])
def test_any_folder_will_do(where, tmp_path):
    opened(tmp_path / where).add(some_vectors(3))
    same(opened(tmp_path / where).find(list(some_vectors(3))), some_vectors(3))
    assert [path.name for path in (tmp_path / where).iterdir()] == ["model.sqlite"]


# --- damage


@pytest.mark.parametrize("kept", [0, 1, 50, 100, 512, 4096, 10_000, 0.5, 0.99])
def test_a_truncated_file(kept, store, tmp_path):
    content = store.path.read_bytes()
    store.path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    expected = some_vectors()
    found = store.find(list(expected))
    same(found, {key: expected[key] for key in found})
    store.add(expected)
    assert not store.given_up
    same(opened(tmp_path).find(list(expected)), expected)


@pytest.mark.parametrize(
    "content",
    [b"no database", b"\0" * 5000, b"SQLite format 3\0" + b"\xff" * 9000],
    ids=["text", "zeros", "head"],
)
def test_a_file_of_something_else_is_set_aside(content, store, tmp_path):
    store.path.write_bytes(content)
    assert store.find(list(some_vectors())) == {}
    store.add(some_vectors())
    same(opened(tmp_path).find(list(some_vectors())), some_vectors())
    assert (tmp_path / "model.sqlite.damaged").read_bytes() == content


def test_a_journal_is_set_aside_with_its_file(store, tmp_path):
    (tmp_path / "model.sqlite-journal").write_bytes(b"of the file that was there")
    store._set_aside()
    assert {path.name for path in tmp_path.iterdir()} == {
        "model.sqlite.damaged",
        "model.sqlite-journal.damaged",
    }


def test_a_file_that_another_process_has_just_made(store, tmp_path):
    store.path.write_bytes(b"")
    assert store.find([b"0-1"]) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["model.sqlite"]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("IOERR_SHORT_READ", True),
        ("IOERR_WRITE", False),
        ("CORRUPT_INDEX", True),
        ("BUSY_TIMEOUT", False),
    ],
)
def test_what_is_damage(name, damage):
    error = sqlite3.OperationalError()
    error.sqlite_errorname = f"SQLITE_{name}"
    assert _vector_store._is_damage(error) is damage


def test_flipped_bytes(store, tmp_path):
    content = bytearray(store.path.read_bytes())
    for place in np.random.default_rng(0).integers(200, len(content), size=40):
        content[place] ^= 0xFF
    store.path.write_bytes(content)
    expected = some_vectors()
    found = store.find(list(expected))
    same(found, {key: expected[key] for key in found})
    store.add(expected)
    same(opened(tmp_path).find(list(expected)), expected)


NAN = np.full(WIDTH, np.nan, dtype=np.float32).tobytes()


@pytest.mark.grid(4)
@pytest.mark.parametrize(
    "value",
    [NAN, NAN[:-4], NAN + b"1234", b"", None, 7, 1.5, "text"],
    ids=lambda value: repr(value)[:12],
)
def test_a_vector_that_is_not_as_it_was_written_is_not_found(value, store, tmp_path):
    execute(store, "UPDATE vectors SET vector = ? WHERE text = ?", (value, b"0-3"))
    execute(store, "UPDATE vectors SET checksum = NULL WHERE text = ?", (b"0-4",))
    expected = some_vectors()
    missing = {key: expected.pop(key) for key in (b"0-3", b"0-4")}
    same(store.find(list(some_vectors())), expected)
    store.add(missing)
    same(opened(tmp_path).find(list(some_vectors())), some_vectors())


def test_vectors_that_changed_places(store):
    execute(store, "CREATE TABLE copy AS SELECT * FROM vectors")
    change = "SELECT {0} FROM copy WHERE text = CAST('0-1' AS BLOB)"
    execute(
        store,
        f"UPDATE vectors SET vector = ({change.format('vector')}), checksum = ({change.format('checksum')})"
        " WHERE text = CAST('0-2' AS BLOB)",
    )
    assert set(store.find([b"0-1", b"0-2"])) == {b"0-1"}


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE vectors (other INT)",
        "CREATE TABLE vectors (text BLOB, vector BLOB)",
        "CREATE TABLE t (x)",
    ],
)
def test_a_table_of_another_shape(table, tmp_path):
    store = opened(tmp_path)
    execute(store, table)
    assert store.find([b"0-1"]) == {}
    store.add(some_vectors(5))
    same(opened(tmp_path).find(list(some_vectors(5))), some_vectors(5))


# --- no room, no permission, no turn


def refuses(store, pragma, monkeypatch):
    """Every connection behaves as on such a disk; SQLite itself then says so."""
    connect = store._connect

    def connected(mode):
        file = connect(mode)
        file.execute(pragma)
        return file

    monkeypatch.setattr(store, "_connect", connected)


@pytest.mark.parametrize(
    ("pragma", "message"),
    [("PRAGMA query_only = ON", "readonly database"), ("PRAGMA max_page_count = 1", "is full")],
)
def test_what_cannot_be_written_is_used_all_the_same(pragma, message, store, monkeypatch):
    new = some_vectors(3000, seed=1)
    refuses(store, pragma, monkeypatch)
    with pytest.warns(EmbeddingCacheWarning, match=rf"cannot be kept in .*model.sqlite \(.*{message}"):
        store.add(new)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it was said once
        same(store.find(list(new)), new)
        store.add(some_vectors(3, seed=2))
        same(store.find(list(some_vectors(3, seed=2))), some_vectors(3, seed=2))
    same(opened(store.path.parent).find(list(some_vectors())), some_vectors())  # and harmed nobody


def test_what_can_only_be_read_is_read(store, monkeypatch):
    refuses(store, "PRAGMA query_only = ON", monkeypatch)
    same(store.find(list(some_vectors())), some_vectors())


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    store = opened(tmp_path / "file" / "folder")
    with pytest.warns(EmbeddingCacheWarning, match="name another folder in embedding_cache"):
        store.add(some_vectors(5))
    same(store.find(list(some_vectors(5))), some_vectors(5))
    assert opened(tmp_path / "file").find([b"0-1"]) == {}


def test_a_file_that_others_hold(store, monkeypatch):
    monkeypatch.setattr(_vector_store, "_LOCK_SECONDS", 0.05)
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.warns(EmbeddingCacheWarning, match="locked"):
            assert store.find([b"0-1"]) == {}
        store.add(some_vectors(3))
        same(store.find(list(some_vectors(3))), some_vectors(3))
    same(opened(store.path.parent).find(list(some_vectors())), some_vectors())


def test_writers_take_turns(tmp_path):
    def write(seed):
        opened(tmp_path).add(some_vectors(300, seed))
        return len(opened(tmp_path).find(list(some_vectors(300, seed))))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(write, range(24))) == [300] * 24


def test_memory_beside_a_file_is_bounded(store, monkeypatch):
    refuses(store, "PRAGMA query_only = ON", monkeypatch)
    store.memory.limit = 3
    with pytest.warns(EmbeddingCacheWarning):
        store.add(some_vectors(10, seed=1))
    assert len(store.find(list(some_vectors(10, seed=1)))) == 3
