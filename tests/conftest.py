import numpy as np
import pytest

# Generators, which need the packages they ask, and code for mypy alone.
collect_ignore = ["golden", "type_checks"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def population(rng):
    """Features, and labels of which only the first 120 of 900 are known; the true mean is 3."""
    X = rng.normal(size=(900, 4))
    y = 3 + X @ [1.0, 0.5, 0.0, -0.5] + rng.normal(scale=0.7, size=900)
    y[120:] = np.nan
    return X, y
