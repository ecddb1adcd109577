"""Time and memory of every estimand's estimate with interval, side by side with ppi-python, lambda tuned by both.

    python benchmarks/estimands_time.py [--pairs 5] [--cases mean linear ...]

1,000 labels. Each measurement is a process of its own that makes the data and calls the function three times: on few rows (imports
and compilation are not what is measured), on all for the memory, and on all for the time, when memory has been touched
once, which favors whoever needs more of it. The packages take turns; the ratio is the median of the pairs'. Memory is the
peak of the resident set during the second call minus what it was before (Linux).
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np

from sklearn_ftr import rectify_glm, rectify_mean, rectify_quantile

LABELS, COLUMNS, LEVEL = 1_000, 10, 0.95
PACKAGES = ("sklearn_ftr", "ppi-python")
FAMILIES = {"linear": "gaussian", "logistic": "binomial", "Poisson": "poisson"}
# Estimand and rows of the pool. Quantiles of ppi-python take 5,000 bytes and more for each row.
CASES = {
    "mean": ("mean", 10_000_000),
    "linear": ("linear", 1_000_000),
    "logistic": ("logistic", 1_000_000),
    "Poisson": ("Poisson", 1_000_000),
    "median": ("median", 100_000),
    "median of a large pool": ("median", 10_000_000),
}
OURS_ONLY = ("median of a large pool",)


def outcomes(rows):
    """Labels or predictions, and the same of the pool, as each function wants them."""
    rng = np.random.default_rng(0)
    pool = rng.standard_normal(rows)
    y = rng.standard_normal(LABELS)
    return y, y + 0.5 * rng.standard_normal(LABELS) + 0.3, pool


def regression(estimand, rows):
    rng = np.random.default_rng(0)
    X, X_pool = (rng.standard_normal((n, COLUMNS)) for n in (LABELS, rows))
    X[:, 0] = X_pool[:, 0] = 1.0
    y, f_pool = (responses(estimand, 0.2 * x.sum(axis=1), rng) for x in (X, X_pool))
    if estimand == "logistic":
        f, f_pool = 0.1 + 0.8 * y, 0.1 + 0.8 * f_pool
    else:
        f = 0.8 * y + 0.2 * rng.random(LABELS)
    return X, y, f, X_pool, f_pool


def responses(estimand, eta, rng):
    if estimand == "linear":
        return eta + rng.standard_normal(len(eta))
    if estimand == "logistic":
        return (rng.random(len(eta)) < 1 / (1 + np.exp(-eta))) * 1.0
    return rng.poisson(np.exp(eta)) * 1.0


def ours(estimand, data):
    if estimand == "mean":
        result = rectify_mean(*data)
    elif estimand == "median":
        result = rectify_quantile(*data)
    else:
        result = rectify_glm(*data, family=FAMILIES[estimand], fit_intercept=False)
    return result.confidence_interval(LEVEL)


def theirs(estimand, data):
    with warnings.catch_warnings():  # its import would silence all warnings
        peer = import_module("ppi_py")
    alpha = 1 - LEVEL
    if estimand == "median":
        return peer.ppi_quantile_ci(*data, 0.5, alpha=alpha)
    name = {"linear": "ols"}.get(estimand, estimand.lower())
    return getattr(peer, f"ppi_{name}_ci")(*data, alpha=alpha)


def measure(case, package):
    """Seconds, and MiB beside the data, of calls in this process."""
    estimand, rows = CASES[case]
    function = ours if package == PACKAGES[0] else theirs
    make = outcomes if estimand in ("mean", "median") else lambda n: regression(estimand, n)
    function(estimand, make(2_000))
    data = make(rows)
    before = resident()
    function(estimand, data)
    mebibytes = (memory("VmHWM") - before) / 1024
    start = time.perf_counter()
    function(estimand, data)
    return {"seconds": time.perf_counter() - start, "mebibytes": mebibytes}


def resident():
    """KiB in use now; the peak starts from here."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def in_a_process(case, package):
    command = [sys.executable, __file__, "--measure", case, package]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def row(case, pairs):
    packages = PACKAGES[: 1 if case in OURS_ONLY else 2]
    taken = [[in_a_process(case, package) for package in packages] for _ in range(pairs)]
    seconds, mebibytes = (
        np.array([[one[name] for one in pair] for pair in taken]) for name in ("seconds", "mebibytes")
    )
    cells = [case, f"{CASES[case][1]:,}"]
    for values, digits in ((seconds, 3), (mebibytes, 0)):
        cells += [f"{value:,.{digits}f}" for value in np.median(values, axis=0)]
        cells += ["not run"] * (2 - len(packages))
        if digits:
            cells.append(ratios(seconds) if len(packages) == 2 else "")
    return "| " + " | ".join(cells) + " |"


def ratios(seconds):
    values = np.sort(seconds[:, 1] / seconds[:, 0])
    return f"{np.median(values):.3g} ({values[0]:.3g} to {values[-1]:.3g})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--measure", nargs=2, metavar=("CASE", "PACKAGE"), help="one call, as JSON")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure)))
        return
    header = "estimand", "pool", "sklearn_ftr s", "ppi-python s", "ratio", "MiB", "ppi-python MiB"
    print("| " + " | ".join(header) + " |\n" + "| --- " * len(header) + "|")
    for case in options.cases:
        print(row(case, options.pairs), flush=True)


if __name__ == "__main__":
    main()
