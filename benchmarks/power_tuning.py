"""Two estimates of the power-tuning weight lambda, measured against each other.

PPI++ divides Cov_R(y, f) by the variance of f over both samples; sklearn_ftr by V_R(f) + (r/m) V_U(f), which
minimises the estimated variance. Populations: Gaussian, lognormal, binary, and the real predictions under
--data (ppi_paper_sets.npz: arrays `<set>__Y` and `<set>__Yhat`). Prints the variance of the labels-only mean
over that of each estimator, with jackknife Monte Carlo standard errors.

    python benchmarks/power_tuning.py [--draws 4000] [--data ppi_paper_sets.npz]
"""

import argparse

import numpy as np

POOL = 2_000


def gaussian(rho):
    def draw(rng, n):
        f = rng.standard_normal(n)
        return rho * f + np.sqrt(1 - rho**2) * rng.standard_normal(n), f

    return draw, 0.0


def lognormal(rho):
    logs, _ = gaussian(rho)

    def draw(rng, n):
        y, f = logs(rng, n)
        return np.exp(y), np.exp(f)

    return draw, np.exp(0.5)


def finite(y, f):
    def draw(rng, n):
        rows = rng.integers(len(y), size=n)
        return y[rows], f[rows]

    return draw, y.mean()


def estimates(y, f, f_pool):
    """Labels only, lambda as in PPI++, lambda as here."""
    r, m = len(y), len(f_pool)
    covariance = np.cov(y, f)[0, 1]
    pooled = np.concatenate([f, f_pool]).var(ddof=1)
    weights = (
        0.0,
        covariance / ((1 + r / m) * pooled),
        covariance / (f.var(ddof=1) + r / m * f_pool.var(ddof=1)),
    )
    return [y.mean() + weight * (f_pool.mean() - f.mean()) for weight in weights]


def ratio(reference, squares):
    """sum(reference) / sum(squares) and its jackknife standard error."""
    left_out = (reference.sum() - reference) / (squares.sum() - squares)
    return reference.sum() / squares.sum(), np.sqrt((len(squares) - 1) * left_out.var())


def populations(path):
    yield "Gaussian, rho 0.3", *gaussian(0.3)
    yield "Gaussian, rho 0.6", *gaussian(0.6)
    yield "Gaussian, rho 0.9", *gaussian(0.9)
    yield "lognormal, rho 0.8", *lognormal(0.8)
    if path:
        with np.load(path) as sets:
            for name in ("alphafold", "forest", "galaxies", "gene_expression"):
                yield (
                    name,
                    *finite(sets[f"{name}__Y"].astype(float), sets[f"{name}__Yhat"].astype(float)),
                )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=4_000)
    parser.add_argument("--data", help="npz file with arrays <set>__Y and <set>__Yhat")
    options = parser.parse_args()
    print(f"Efficiency against labels only, {options.draws} draws, pool {POOL}, seed = r")
    print(
        "| population | r | pooled variance (PPI++) | minimiser (sklearn_ftr) |\n| --- | --- | --- | --- |"
    )
    for name, draw, truth in populations(options.data):
        for r in (10, 20, 50, 200):
            rng = np.random.default_rng(r)
            errors = np.array(
                [estimates(*draw(rng, r), draw(rng, POOL)[1]) for _ in range(options.draws)]
            )
            squares = (errors - truth) ** 2
            cells = [ratio(squares[:, 0], squares[:, i]) for i in (1, 2)]
            print(
                f"| {name} | {r} | " + " | ".join(f"{a:.3f} +- {b:.3f}" for a, b in cells) + " |",
                flush=True,
            )


if __name__ == "__main__":
    main()
