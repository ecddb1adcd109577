"""Golden numbers from ppi-python 0.2.3 for the mean; run with the extra `benchmark` installed.

    python tests/golden/generate_ppi_python.py

Writes ppi_python_mean.json beside this file. The inputs are stored with the outputs, so that the test needs
neither ppi-python nor the same random numbers.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate, ppi_mean_pval


def cases():
    rng = np.random.default_rng(20231101)
    for r, m, offset in ((12, 40, 0.0), (60, 300, 5.0), (200, 100, -3.0)):
        truth = rng.normal(size=r + m)
        f = 0.8 * truth + 0.5 * rng.normal(size=r + m) + offset
        yield f"normal r={r} m={m}", truth[:r] + offset, f[:r], f[r:]
    p = rng.random(size=240)
    y = (rng.random(size=240) < p).astype(float)
    yield "binary r=40 m=200", y[:40], p[:40], p[40:]


def golden(name, y, f, f_unlabeled):
    record = {"name": name, "y": y.tolist(), "f": f.tolist(), "f_unlabeled": f_unlabeled.tolist()}
    record["given"] = [
        {
            "lambda": lam,
            "estimate": float(ppi_mean_pointestimate(y, f, f_unlabeled, lam=lam)[0]),
            "interval": [float(end[0]) for end in ppi_mean_ci(y, f, f_unlabeled, alpha=0.1, lam=lam)],
            "p_value": float(ppi_mean_pval(y, f, f_unlabeled, null=float(y.mean()) + 0.1, lam=lam)[0]),
        }
        for lam in (0.0, 0.35, 1.0)
    ]
    record["tuned"] = {"estimate": float(ppi_mean_pointestimate(y, f, f_unlabeled)[0])}
    return record


if __name__ == "__main__":
    content = {"ppi_python": version("ppi-python"), "cases": [golden(*case) for case in cases()]}
    Path(__file__).with_name("ppi_python_mean.json").write_text(json.dumps(content, indent=1) + "\n")
