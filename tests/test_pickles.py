"""What earlier versions have pickled opens and says the same, or is refused in plain words."""

import copy
import inspect
import json
import pickle
import runpy
import warnings
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

import sklearn_ftr
from sklearn_ftr import _versioned

# Every case is for everybody.
pytestmark = pytest.mark.grid(1)

FOLDER = Path(__file__).parent / "data" / "pickles"
WRITTEN = [
    folder for folder in sorted(FOLDER.iterdir()) if folder.is_dir() and folder.name[0].isdigit()
]
PICKLES = [path for folder in WRITTEN for path in sorted(folder.glob("*.pkl"))]
# Neither results nor estimators: a tuple, and a module of torch, which pickles its own way.
OTHERS = {"ConfidenceInterval", "VarianceLoss"}


@pytest.fixture(scope="module")
def kept():
    return runpy.run_path(str(FOLDER / "write.py"))


def is_opened(path):
    return ".".join(path.parent.name.split(".")[:2]) in _versioned.OPENED


def opened(path):
    """Models of scikit-learn inside of it may warn that they are of another version of scikit-learn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        return pickle.loads(path.read_bytes())


@pytest.mark.parametrize("path", PICKLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_was_kept_opens_and_says_the_same_or_is_refused(path, kept):
    if not is_opened(path):
        with pytest.raises(pickle.UnpicklingError, match=f"pickled by sklearn_ftr {path.parent.name}"):
            opened(path)
        return
    expected = json.loads((path.parent / "told.json").read_text("utf-8"))[path.stem]
    np.testing.assert_allclose(kept["told"](path.stem, opened(path)), expected, rtol=1e-7)


@pytest.mark.parametrize(
    "path", [path for path in PICKLES if is_opened(path)], ids=lambda path: path.stem
)
def test_what_was_kept_can_be_shown_and_kept_again(path, kept):
    one = opened(path)
    assert str(one)
    again = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(kept["told"](path.stem, again), kept["told"](path.stem, one))
    if is_dataclass(one):
        assert not [each.name for each in fields(one) if not hasattr(one, each.name)]
    elif isinstance(one, BaseEstimator):
        assert one.get_params(deep=False).keys() == type(one)().get_params(deep=False).keys()


def test_everything_that_opens_has_been_kept(kept):
    assert any(is_opened(path) for path in PICKLES)
    for folder in WRITTEN:
        assert (folder / "told.json").exists()
    newest = {path.stem for path in WRITTEN[-1].glob("*.pkl")}
    assert newest <= set(kept["KEPT"])


def test_this_series_is_opened():
    assert ".".join(sklearn_ftr.__version__.split(".")[:2]) == _versioned.OPENED[-1]
    kept = {".".join(folder.name.split(".")[:2]) for folder in WRITTEN}
    assert set(_versioned.OPENED) <= kept


@pytest.mark.parametrize("name", sklearn_ftr.__all__)
def test_public_classes_say_who_wrote_them(name):
    if sklearn_ftr._HOMES[name] == "finetuning":
        pytest.importorskip("torch")
    value = getattr(sklearn_ftr, name)
    if not inspect.isclass(value) or issubclass(value, Warning) or name in OTHERS:
        return
    assert issubclass(value, _versioned.Versioned)


def written_by(version, one, monkeypatch):
    monkeypatch.setattr(_versioned, "THIS", _versioned.WrittenBy(version))
    return pickle.dumps(one)


@pytest.mark.parametrize("version", ["0.2.0", "1.0.0rc1", "0.10.3"])
def test_later_versions_are_refused(version, monkeypatch):
    file = written_by(version, sklearn_ftr.Costs(), monkeypatch)
    with pytest.raises(pickle.UnpicklingError) as raised:
        pickle.loads(file)
    assert str(raised.value) == (
        f"This was pickled by sklearn_ftr {version}; this is sklearn_ftr {sklearn_ftr.__version__}, which opens pickles of 0.1.*. "
        f"Open it where sklearn_ftr {version} is installed, or compute it again."
    )


@pytest.mark.parametrize("version", ["0.1.0", "0.1.7", "0.1.0.dev3"])
def test_versions_of_the_same_series_open(version, monkeypatch):
    file = written_by(version, sklearn_ftr.Costs(label=3.0), monkeypatch)
    assert pickle.loads(file) == sklearn_ftr.Costs(label=3.0)


def test_a_version_is_refused_before_a_name_of_it_is_missed(monkeypatch):
    """A later version may have moved what the pickle names."""
    file = written_by("0.2.0", sklearn_ftr.Costs(), monkeypatch)
    moved = file.replace(b"sklearn_ftr.allocation._costs", b"sklearn_ftr.allocation._moved")
    assert moved != file
    with pytest.raises(pickle.UnpicklingError, match=r"0\.2\.0"):
        pickle.loads(moved)


def test_a_later_version_opens_this_one_and_says_so_where_it_does_not(monkeypatch):
    file = pickle.dumps(sklearn_ftr.Costs(label=3.0))
    monkeypatch.setattr(_versioned, "__version__", "0.3.0")
    monkeypatch.setattr(_versioned, "OPENED", ("0.1", "0.3"))
    assert pickle.loads(file) == sklearn_ftr.Costs(label=3.0)
    monkeypatch.setattr(_versioned, "OPENED", ("0.2", "0.3"))
    with pytest.raises(
        pickle.UnpicklingError, match=r"0\.1\.0; this is sklearn_ftr 0\.3\.0.* of 0\.2\.\*, 0\.3\.\*"
    ):
        pickle.loads(file)


@dataclass(frozen=True)
class Answer(_versioned.Versioned):
    """As a later version has it: `notes` and `level` are new."""

    number: float
    level: float = 0.95
    notes: list = field(default_factory=list)


class Model(_versioned.Versioned, BaseEstimator):
    """`folds` is new."""

    def __init__(self, cv=5, *, folds=(2, 5)):
        self.cv = cv
        self.folds = folds


@pytest.mark.parametrize(
    ("one", "new"), [(Answer(3.0), {"level": 0.95, "notes": []}), (Model(cv=3), {"folds": (2, 5)})]
)
def test_what_an_older_pickle_lacks_has_its_default(one, new):
    older = copy.copy(one)
    for name in new:
        del vars(older)[name]
    opened = pickle.loads(pickle.dumps(older))
    assert vars(opened) == vars(one)
    assert {name: getattr(opened, name) for name in new} == new


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(protocol):
    result = sklearn_ftr.rectify_mean([1.0, 2, 4], [1.0, 2, 3], [2.0, 3, 2, 1])
    assert pickle.loads(pickle.dumps(result, protocol)) == result


def test_copies_are_equal():
    result = sklearn_ftr.rectify_mean([1.0, 2, 4], [1.0, 2, 3], [2.0, 3, 2, 1])
    assert copy.copy(result) == result
    assert copy.deepcopy(result) == result
