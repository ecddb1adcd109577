"""One of each public object that users are handed, as large and as oddly named as may be."""

from functools import cache

import numpy as np
import pandas as pd

from sklearn_ftr import (
    Costs,
    FineTuneRectifyAllocator,
    LinearRegressionMoments,
    PoolMoments,
    PoolSource,
    SamplingDesign,
    ScalingLaw,
    compare,
    fit_scaling_law,
    rectify_difference,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)

ODD = [f'<script>alert("{i}")</script> & a|b_{i} $x^2$ 100 % #{i} \\ {{~}}\n*[new]*' for i in range(40)]

NAMES = [
    "many",
    "shares",
    "one",
    "quantiles",
    "difference",
    "regression",
    "clusters",
    "contrast",
    "contrasts",
    "labels_only",
    "interval",
    "wald_test",
    "labels_needed",
    "order",
    "comparison",
    "law",
    "fit_of_forms",
    "fit_of_power",
    "laws",
    "plan",
    "required",
    "costs",
    "pool",
    "no_pool",
    "moments",
    "no_moments",
    "source",
    "design",
    "outlook",
    "curve",
    "law_fit",
    "plan_of_allocator",
    "option",
    "purchase",
    "result_of_allocator",
]


def results():
    rng = np.random.default_rng(0)
    y = pd.DataFrame(rng.normal(size=(60, 40)), columns=ODD)
    f, pool = y + rng.normal(size=(60, 40)), rng.normal(size=(500, 40))
    many = rectify_mean(y, f, pool)
    shares = (y > 0.5).astype(float)
    one, group = y[ODD[0]], np.where(np.arange(60) % 2, ODD[0], ODD[1])
    return {
        "many": many,
        "shares": rectify_mean(shares.iloc[:, 0], shares.iloc[:, 1], (pool[:, 0] > 0.5).astype(float)),
        "one": rectify_mean(one, f[ODD[0]], pool[:, 0]),
        "quantiles": rectify_quantile(one, f[ODD[0]], pool[:, 0], q=np.linspace(0.01, 0.99, 30)),
        "difference": rectify_difference(
            one, f[ODD[0]], pool[:, 0], group, np.resize(group[:2], len(pool))
        ),
        "regression": rectify_linear_regression(
            y.iloc[:, 1:7], one, f[ODD[0]], y.iloc[:, 1:7], f[ODD[0]]
        ),
        "clusters": rectify_mean(
            one,
            f[ODD[0]],
            pool[:, 0],
            design=SamplingDesign(clusters=np.arange(60) // 2),
            design_unlabeled=SamplingDesign(clusters=np.arange(500) // 2 + 1_000),
        ),
    }


def allocator():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 4))
    y = 3 + X @ [1.0, 0.5, 0.0, -0.5] + rng.normal(scale=0.7, size=900)
    y[120:] = np.nan
    return FineTuneRectifyAllocator(random_state=0).fit(X, y)


@cache
def objects():
    """By name."""
    found, fitted, rng = results(), allocator(), np.random.default_rng(0)
    many, law = found["many"], ScalingLaw(1 / 3, 1 / 7, 2 / 3, 1 / 11)
    sizes = np.array([0, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560])
    late = 1 / (1 + (sizes / 200) ** 2) + 0.1 + 0.003 * rng.normal(size=len(sizes))
    pool = PoolMoments().update(rng.normal(size=(50, 30)))
    moments = LinearRegressionMoments().update(rng.normal(size=(50, 3)), rng.normal(size=(50, 2)))
    design = {"weights": rng.uniform(1, 2, 700), "clusters": ODD * 17 + ODD[:20]}
    fits = {kind: fit_scaling_law(sizes, late, law=kind, random_state=0) for kind in ("auto", "power")}
    return {
        **found,
        "contrast": many.contrast({ODD[0]: 1, ODD[1]: -1}),
        "contrasts": many.contrast(np.eye(40)[:30]),
        "labels_only": many.labels_only,
        "interval": many.confidence_interval(),
        "wald_test": found["regression"].wald_test(),
        "labels_needed": found["one"].required_labels(0.1),
        "order": found["regression"].required_labels(rank=True, power=0.2, n_rows=1e9),
        "comparison": compare(dict.fromkeys(ODD, many)),
        "law": law,
        "fit_of_forms": fits["auto"],
        "fit_of_power": fits["power"],
        "laws": fits["auto"].law,
        "plan": law.plan(1_000, 1e9, total_variance=3.0, folds=tuple(range(2, 60))),
        "required": law.required_labels(0.1234567, total_variance=3.0),
        "costs": Costs(1 / 3, 1 / 7, 1e-9),
        "pool": pool,
        "no_pool": PoolMoments(),
        "moments": moments,
        "no_moments": LinearRegressionMoments(),
        "source": PoolSource([np.zeros(3)] * 300, columns=ODD),
        "design": SamplingDesign(**design),
        "outlook": fitted.outlook_,
        "curve": fitted.learning_curve_,
        "law_fit": fitted.law_fit_,
        "plan_of_allocator": fitted.plan_,
        "option": fitted.best_option_,
        "purchase": fitted.next_purchase(half_width=0.12),
        "result_of_allocator": fitted.result_,
    }
