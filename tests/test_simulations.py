"""Long simulations (`make slow`): coverage, and whether a grid search finds the best split."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def benchmark(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_intervals_cover_as_often_as_they_say():
    """48 cells of 5,000 draws: 4 Monte Carlo standard errors each; writes the table into docs/."""
    coverage = benchmark("coverage")
    tables = coverage.run(draws=5_000, jobs=2)
    (ROOT / "docs" / "coverage.md").write_text(coverage.markdown(tables, 5_000))
    off = {
        (r_squared, r, method): share
        for r_squared, rows in tables.items()
        for r, methods in rows.items()
        for method, (share, error, _) in methods.items()
        if abs(share - 0.95) > 4 * error
    }
    assert not off


@pytest.mark.parametrize("recycle", [False, True])
def test_grid_search_finds_the_split_with_the_smallest_variance(recycle):
    table = benchmark("grid_search").study(draws=400, jobs=2, recycle=recycle)
    best = next(share for share, excess in table.values() if excess == 0)
    assert best > 0.75
    assert sum(share * excess for share, excess in table.values()) < 0.03
