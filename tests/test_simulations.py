"""Long simulations (`make slow`): coverage, and whether a grid search finds the best split."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = str(ROOT / "benchmarks")
SHARED = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.slow


def benchmark(name):
    if BENCHMARKS not in sys.path:
        sys.path.append(BENCHMARKS)  # they import each other
    return importlib.import_module(name)


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
    """14 made cells of 500 draws, three strategies each: 4 Monte Carlo standard errors."""
    honest = benchmark("honest_inference")
    table, _ = honest.run(draws=500, jobs=2, sizes=(100, 300))
    off = {
        (*cell, strategy): share
        for cell, row in table.items()
        for strategy, (share, error, _) in row.items()
        if abs(share - 0.95) > 4 * error
    }
    assert not off


@pytest.mark.skipif(not SHARED.exists(), reason="the real ratings and sentence vectors are not here")
def test_the_allocator_picks_well_on_real_ratings(tmp_path):
    """Ridge on five real sets, n = 300 and 1,000, 50 draws: regret of splits at most 2 % (median) and 6 % (90 %)."""
    regret, cells = benchmark("regret"), benchmark("_regret_cells")
    options = [
        "--cache",
        str(tmp_path),
        "--data",
        str(SHARED),
        "--models",
        "ridge",
        "--sets",
        *regret.REAL,
    ]
    regret.main([*options, "--n", "300", "1000", "--draws", "50"])
    lines = regret.lines(tmp_path)
    for cell in cells.cells_of(lines, cells.curves_of(lines)):
        for way in ("plain", "recycled"):
            assert np.median(cell.regrets[way]) <= 0.02, (cell.name, cell.n, way)
            assert np.quantile(cell.regrets[way], 0.9) <= 0.06, (cell.name, cell.n, way)
