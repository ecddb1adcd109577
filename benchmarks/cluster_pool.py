"""Time and memory of estimates over pools in Parquet files, by a cluster of two processes on this machine.

    python benchmarks/cluster_pool.py [--rows 1000000 10000000 100000000] [--models linear trees] [--folder FOLDER] [--workers 2] [--memory kept dask] [--rounds 1]

Ten columns of float32 with a few hundred values each (so that 10^8 rows take less than 3 GB of disk) and y, of which 1,000 rows of the first
file have a label, seed 0; files of 10^6 rows (40 MB; dask's documentation advises some 100 MB). RectifiedMeanEstimator with cv=5, and RectifiedLogisticRegression with split_ratio=0.5 and three
covariates, by linear models (Ridge, LogisticRegression) by 20 boosted trees and by the estimators' default; and the mean under a design with weights and some 40,000 clusters, which are functions of three columns. Beside each is what a pass costs that reads the same columns and predicts them by the same models, and does nothing else, on the same workers.
Peaks are those of the resident set (VmHWM, Linux) of the largest worker and of the client. `--memory kept` lets workers keep memory that they will need again
(docs/large_pools_estimators.md); by dask's own setting they give it back to the system at once and spend their time on getting it again.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn_ftr import RectifiedLogisticRegression, RectifiedMeanEstimator

COLUMNS = [f"x{j}" for j in range(10)]
COVARIATES = COLUMNS[:3]
FILE_ROWS, LABELS = 1_000_000, 1_000
MODELS = "linear", "trees", "default"
DESIGN = "weights and clusters"
KINDS = (
    "mean, K = 5, linear",
    "logistic, split, linear",
    f"mean, K = 5, {DESIGN}, linear",
    "mean, K = 5, trees",
    "logistic, split, trees",
    "mean, K = 5, default",
    "logistic, split, default",
)
KEPT = {"MALLOC_TRIM_THRESHOLD_": 2**27, "MALLOC_MMAP_THRESHOLD_": 2**25}
# What has no model here is predicted by the estimator's own, estimator=None.
REGRESSORS = {"linear": Ridge(), "trees": HistGradientBoostingRegressor(max_iter=20)}
CLASSIFIERS = {"linear": LogisticRegression(), "trees": HistGradientBoostingClassifier(max_iter=20)}


def write(folder, number):
    rng = np.random.default_rng([0, number])
    X = (np.round(rng.standard_normal((FILE_ROWS, 10)) * 32) / 32).astype(np.float32)
    signal = X[:, :5].sum(axis=1) + rng.standard_normal(FILE_ROWS)
    labeled = np.full(FILE_ROWS, np.nan, dtype=np.float32)
    if not number:
        labeled[:LABELS] = signal[:LABELS]
    table = pa.table(
        {name: X[:, j] for j, name in enumerate(COLUMNS)}
        | {
            "y": labeled,
            "positive": np.where(np.isnan(labeled), np.nan, labeled > 0).astype(np.float32),
        }
    )
    pq.write_table(table, folder / f"part-{number:05d}.parquet", compression="zstd")


def made(folder, rows):
    """The files of so many rows; those that are there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(rows // FILE_ROWS):
        if not (folder / f"part-{number:05d}.parquet").exists():
            write(folder, number)
    return [str(folder / f"part-{number:05d}.parquet") for number in range(rows // FILE_ROWS)]


def peak():
    """MiB, of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def predicted(frame, models):
    return pd.DataFrame({"sum": [sum(float(np.sum(getattr(one, how)(frame))) for one, how in models)]})


def read_and_predict(frame, models):
    """Seconds of a pass that does nothing else."""
    start = time.perf_counter()
    frame.map_partitions(predicted, models, meta={"sum": float}).sum().compute()
    return time.perf_counter() - start


def run(client, paths, kind):
    import dask.dataframe as dd

    frame = dd.read_parquet(paths)
    if kind.startswith("mean"):
        model = REGRESSORS.get(kind.split(", ")[-1])
        estimator, target = RectifiedMeanEstimator(model, cv=5, random_state=0), "y"
    else:
        model = CLASSIFIERS.get(kind.split(", ")[-1])
        estimator = RectifiedLogisticRegression(
            model, covariates=COVARIATES, split_ratio=0.5, random_state=0
        )
        target = "positive"
    design = {}
    if DESIGN in kind:
        houses = ((frame["x8"] + 10) * 32).astype(int) * 1_000 + ((frame["x7"] + 10) * 32).astype(int)
        design = {"sample_weight": frame["x9"].abs() + 0.5, "groups": houses}
    start = time.perf_counter()
    estimator.fit(frame[COLUMNS], frame[target], **design)
    seconds = time.perf_counter() - start
    models = getattr(estimator, "estimators_", None) or [estimator.estimator_]
    how = "predict_proba" if hasattr(models[0], "predict_proba") else "predict"
    alone = read_and_predict(frame[COLUMNS], [(one, how) for one in models])
    return seconds, alone, estimator.result_


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10**6, 10**7, 10**8])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--memory", choices=("kept", "dask"), default="kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        measure(options, options.folder or Path(temporary))


def measure(options, folder):
    import dask
    from distributed import Client, LocalCluster

    if options.memory == "kept":
        environment = "distributed.nanny.pre-spawn-environ"
        dask.config.set({f"{environment}.{name}": value for name, value in KEPT.items()})
    seconds = {}
    print("| rows | estimate | seconds | reading and predicting | ratio | worker's peak | client's |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    kinds = [kind for kind in KINDS if kind.split(", ")[-1] in options.models]
    for rows in sorted(options.rows):
        paths = made(folder, rows)
        for kind in kinds:
            cluster = LocalCluster(
                n_workers=options.workers, threads_per_worker=1, dashboard_address=None
            )
            with cluster, Client(cluster) as client:
                run(client, paths[:1], kind)  # imports are not what is measured
                for _ in range(options.rounds):
                    took, alone, result = run(client, paths, kind)
                    largest = max(client.run(peak).values())
                    print(
                        f"| {result.n_unlabeled:,} | {kind} | {took:.1f} | {alone:.1f} | {took / alone:.2f} | {largest:.0f} MiB | {peak():.0f} MiB |",
                        flush=True,
                    )
            seconds[kind, rows] = took
    low, high = min(options.rows), max(options.rows)
    for kind in kinds:
        ratio = seconds[kind, high] / seconds[kind, low]
        if high > low:
            print(
                f"{kind}: time grows with rows to the power of {np.log(ratio) / np.log(high / low):.2f}"
            )


if __name__ == "__main__":
    main()
