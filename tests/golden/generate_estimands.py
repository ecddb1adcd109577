"""Golden numbers for regressions, quantiles and differences; run with the extra `benchmark` installed.

    python tests/golden/generate_estimands.py

Writes estimands.json beside this file: fits of statsmodels with sandwich standard errors, and what ppi-python 0.2.3 says
where it asks the same. The inputs are stored with the outputs, so that the tests need neither.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from ppi_py import (
    ppi_logistic_pointestimate,
    ppi_mean_ci,
    ppi_mean_pointestimate,
    ppi_ols_ci,
    ppi_ols_pointestimate,
    ppi_poisson_pointestimate,
    ppi_quantile_pointestimate,
)
from ppi_py.utils import compute_cdf, compute_cdf_diff

R, M = 60, 150
FAMILIES = {
    "gaussian": sm.families.Gaussian(),
    "binomial": sm.families.Binomial(),
    "poisson": sm.families.Poisson(),
}


def regression(family):
    """Labeled rows first; predictions are of the labels' kind but off."""
    rng = np.random.default_rng(20250131)
    X = np.column_stack([np.ones(R + M), rng.normal(loc=(0.0, 2.0), size=(R + M, 2))])
    eta = X @ [0.3, 0.8, -0.4]
    if family == "gaussian":
        y = eta + rng.normal(size=R + M) * (1 + 0.5 * np.abs(X[:, 1]))
        f = 0.9 * y + 0.3 * rng.normal(size=R + M) + 1
    elif family == "binomial":
        y = (rng.random(R + M) < 1 / (1 + np.exp(-eta))).astype(float)
        f = np.where(rng.random(R + M) < 0.85, 0.9 * y + 0.05, 0.95 - 0.9 * y)
    else:
        y = rng.poisson(np.exp(eta)).astype(float)
        f = 0.8 * y + 0.3 * rng.random(R + M)
    return X, y, f


def statsmodels_fit(family):
    """Coefficients and HC0 standard errors, to be multiplied by (r / (r - k)) ** 0.5."""
    X, y, _ = regression(family)
    fit = sm.GLM(y[:R], X[:R], family=FAMILIES[family]).fit(tol=1e-14, maxiter=100, cov_type="HC0")
    record = {"coefficients": fit.params.tolist(), "hc0": fit.bse.tolist()}
    if family == "gaussian":
        record["hc1"] = sm.OLS(y[:R], X[:R]).fit(cov_type="HC1").bse.tolist()
    return record


def ppi_fit(family, weight):
    X, y, f = regression(family)
    data = X[:R], y[:R], f[:R], X[R:], f[R:]
    if family == "gaussian":
        low, high = ppi_ols_ci(*data, alpha=0.1, lam=weight)
        estimate = ppi_ols_pointestimate(*data, lam=weight)
        return {
            "lambda": weight,
            "estimate": estimate.tolist(),
            "interval": [low.tolist(), high.tolist()],
        }
    solve = ppi_logistic_pointestimate if family == "binomial" else ppi_poisson_pointestimate
    options = {"gtol": 1e-12, "ftol": 1e-15}
    estimate = solve(*data, lam=weight, optimizer_options=options)
    return {"lambda": weight, "estimate": estimate.tolist()}


def regressions():
    for family in FAMILIES:
        X, y, f = regression(family)
        yield {
            "family": family,
            "X": X[:, 1:].tolist(),
            "y": y[:R].tolist(),
            "f": f.tolist(),
            "statsmodels": statsmodels_fit(family),
            "ppi_python": [ppi_fit(family, weight) for weight in (0.0, 0.5, 1.0)],
        }


def quantiles():
    """Levels just below a value that F takes at one t and exceeds at no smaller one: the nearest is then the first."""
    for r, m, decimals in ((15, 60, 6), (80, 400, 6), (80, 400, 1)):
        rng = np.random.default_rng(r + m)
        truth = rng.normal(size=r + m)
        f = np.round(truth + 0.4 * rng.normal(size=r + m) + 0.3, decimals)
        y = np.round(truth[:r], decimals)
        grid = np.sort(np.concatenate([y, f]))
        shares = compute_cdf(f[r:], grid)[0] + compute_cdf_diff(y, f[:r], grid)[0]
        best = np.maximum.accumulate(np.concatenate([[-np.inf], shares]))[:-1]
        records = np.flatnonzero((shares > best + 1e-6) & (shares > 0.05) & (shares < 0.95))
        records = [i for i in records if np.ptp(grid[np.abs(shares - shares[i]) < 1e-6]) == 0]
        levels = [float(shares[i]) - 1e-9 for i in records[:: max(1, len(records) // 12)]]
        estimates = [
            float(ppi_quantile_pointestimate(y, f[:r], f[r:], q, exact_grid=True)) for q in levels
        ]
        yield {
            "name": f"r={r} m={m} decimals={decimals}",
            "y": y.tolist(),
            "f": f[:r].tolist(),
            "f_unlabeled": f[r:].tolist(),
            "levels": levels,
            "estimates": estimates,
        }


def differences():
    """Two means by ppi-python, each with its 90 % z interval."""
    rng = np.random.default_rng(77)
    for sizes in ((30, 50, 200, 300), (12, 90, 100, 150)):
        groups = []
        for shift, r, m in ((0.0, *sizes[::2]), (0.5, *sizes[1::2])):
            truth = rng.normal(size=r + m) + shift
            f = truth + 0.5 * rng.normal(size=r + m) + 0.2
            groups.append((truth[:r], f[:r], f[r:]))
        yield {
            "groups": [[rows.tolist() for rows in group] for group in groups],
            "given": [
                {
                    "lambda": weight,
                    "means": [float(ppi_mean_pointestimate(*group, lam=weight)[0]) for group in groups],
                    "intervals": [
                        [float(end[0]) for end in ppi_mean_ci(*group, alpha=0.1, lam=weight)]
                        for group in groups
                    ],
                }
                for weight in (0.0, 0.4, 1.0)
            ],
        }


if __name__ == "__main__":
    content = {
        "ppi_python": version("ppi-python"),
        "statsmodels": version("statsmodels"),
        "regression": list(regressions()),
        "quantile": list(quantiles()),
        "difference": list(differences()),
    }
    Path(__file__).with_name("estimands.json").write_text(json.dumps(content) + "\n")
