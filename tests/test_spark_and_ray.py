"""Pools that Spark and Ray have read, by the lines of docs/large_pools.md: where they are installed (`make engines`)."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sklearn_ftr import PoolMoments, rectify_mean

# Warnings and threads of these packages are their own.
pytestmark = [pytest.mark.thorough, pytest.mark.filterwarnings("ignore")]

PAGE = Path(__file__).parents[1] / "docs" / "large_pools.md"


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    human = rng.normal(3.0, 1.0, size=200)
    return human, human + rng.normal(0.4, 0.5, size=200), rng.gamma(2.0, 1.7, size=20_000)


def shown(engine):
    """The page's lines for an engine."""
    found = re.findall(rf"```text\n(# {engine}\b.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(found) == 1
    return found[0]


def total_by(engine, **known):
    """What the lines find; functions of `__main__` go to workers as they are."""
    names = {"__name__": "__main__", "PoolMoments": PoolMoments, "json": json, "pd": pd, **known}
    exec(shown(engine), names)
    return names["total"]


def assert_same(total, sample):
    human, judge, pool = sample
    assert total.count == len(pool)
    one, other = rectify_mean(human, judge, total), rectify_mean(human, judge, pool)
    np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-10)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-10)


def test_spark(sample, monkeypatch):
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java.")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)  # of its workers
    session = sql.SparkSession.builder.master("local[2]")
    session = session.config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1")
    spark = session.config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    try:
        df = spark.createDataFrame(pd.DataFrame({"f": sample[2], "other": 1.0})).repartition(5)
        assert_same(total_by("Spark", df=df), sample)
    finally:
        spark.stop()


def test_ray(sample, tmp_path):
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    for number, part in enumerate(np.array_split(sample[2], 4)):
        pd.DataFrame({"f": part}).to_parquet(tmp_path / f"{number}.parquet")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        assert_same(total_by("Ray", ray=ray, path=str(tmp_path)), sample)
    finally:
        ray.shutdown()
