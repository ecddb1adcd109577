"""Long simulations (`make slow`): coverage, and whether a grid search finds the best split."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.slow


def benchmark(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_intervals_cover_as_often_as_they_say():
    """Gaussian: within 4 Monte Carlo standard errors of 95 % (48 cells). Elsewhere: at least as often as
    labels only, but for the same errors."""
    coverage = benchmark("interval_coverage")
    tables = coverage.run(draws=5_000, jobs=2)
    off = {}
    for population, rows in tables.items():
        for r, methods in rows.items():
            labels_only = methods.pop(coverage.LABELS_ONLY)[0]
            for method, (share, error, _) in methods.items():
                gaussian = population.startswith("Gaussian")
                gap = abs(share - 0.95) if gaussian else min(labels_only, 0.95) - share - 0.02
                if gap > 4 * error:
                    off[population, r, method] = share
    assert not off


@pytest.mark.parametrize("recycle", [False, True])
def test_grid_search_finds_the_split_with_the_smallest_variance(recycle):
    table = benchmark("grid_search").study(draws=400, jobs=2, recycle=recycle)
    best = next(share for share, excess in table.values() if excess == 0)
    assert best > 0.75
    assert sum(share * excess for share, excess in table.values()) < 0.03


def test_intervals_cover_after_the_allocator_has_chosen():
    """9 synthetic cells of 500 draws, three strategies each: 4 Monte Carlo standard errors."""
    honest = benchmark("honest_inference")
    table, _ = honest.run(draws=500, jobs=2)
    off = {
        (*cell, strategy): share
        for cell, row in table.items()
        for strategy, (share, error, _) in row.items()
        if abs(share - 0.95) > 4 * error
    }
    assert not off


@pytest.mark.skipif(not SHARED.exists(), reason="the real ratings and sentence vectors are not here")
def test_the_allocator_picks_well_on_real_ratings():
    """Regret on five real sets, n = 300 and 1,000, 50 draws: median at most 2 %, 90 % at most 6 %."""
    regret = benchmark("regret")
    for name in regret.SETS:
        X, y = regret.load(SHARED, name)
        for cell in regret.study(X, y, [300, 1000], draws=50, jobs=2):
            assert np.median(cell["regret"]) <= 0.02, (name, cell["n"], cell["objective"])
            assert np.quantile(cell["regret"], 0.9) <= 0.06, (name, cell["n"], cell["objective"])
