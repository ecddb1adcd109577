import signal
from collections import Counter
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import settings
from joblib.externals.loky import get_reusable_executor

import sklearn_ftr

# Generators, which need the packages they ask, and code for mypy alone.
collect_ignore = ["data", "golden", "type_checks"]


# Processes that run in the background of a shell may ignore Ctrl-C, of which some tests ask what it leaves behind.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples everywhere and every time: what is green here is green elsewhere. New ones are looked for by `make laws`.
settings.register_profile("repeatable", derandomize=True, database=None)
settings.register_profile("exploring", derandomize=False)
settings.load_profile("repeatable")


# Tests with more cases run every k-th of them for everybody, k a prime that hardly any parameter has as many values of.
MANY_CASES, STEPS = 10, (5, 7, 11, 13, 17, 19, 23)


def step_of(item, n_cases):
    """What the mark `grid(k)` says, of a case or its whole file, or what follows from the number of cases."""
    grid = item.get_closest_marker("grid")
    if grid is not None:
        return grid.args[0]
    return 1 if n_cases <= MANY_CASES else next(k for k in STEPS if 8 * k >= n_cases or k == STEPS[-1])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of the cases of a test the first and every k-th after it are for everybody; the others are thorough."""
    tests = [item for item in items if hasattr(item, "function")]
    n_cases = Counter(item.function for item in tests)
    met = Counter()
    for item in tests:
        if met[item.function] % step_of(item, n_cases[item.function]):
            item.add_marker(pytest.mark.thorough)
        met[item.function] += 1


class NeedsTorch:
    """In the place of what needs torch where that is not installed (`make newest`): tests that use it are skipped."""

    def __init__(self, *arguments, **settings):
        pass

    def __getattr__(self, name):
        if name.startswith("__") and not name.startswith("__sklearn"):
            raise AttributeError(name)
        pytest.skip("torch is not installed")


if find_spec("torch") is None:
    collect_ignore += [
        f"{name}.py"
        for name in (
            "language_models",
            "test_network_recipe",
            "test_sentence_encoder",
            "test_text_accelerator",
            "test_text_architectures",
            "test_text_columns",
            "test_text_embedder",
            "test_text_heads",
            "test_text_variance_regressor",
            "test_variance_loss",
            "test_variance_regressor",
        )
    ]
    for public, home in sklearn_ftr._HOMES.items():
        if home == "finetuning":
            setattr(sklearn_ftr, public, NeedsTorch)


@pytest.fixture
def one_thread():
    """Threads that wait for each other while another test runs can take minutes for seconds of work."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def new_processes():
    """Processes of `n_jobs` that no other test has used, and none that outlives this one.

    One that has worked before and then loads torch grows by 300 MB, which joblib takes for a leak: it stops the process and warns, and a warning
    that is an error ends joblib's thread, so that the fit waits for ever.
    """
    get_reusable_executor().shutdown(wait=True, kill_workers=True)
    yield
    get_reusable_executor().shutdown(wait=True, kill_workers=True)


@pytest.fixture
def population(rng):
    """Features, and labels of which only the first 120 of 900 are known; the true mean is 3."""
    X = rng.normal(size=(900, 4))
    y = 3 + X @ [1.0, 0.5, 0.0, -0.5] + rng.normal(scale=0.7, size=900)
    y[120:] = np.nan
    return X, y
