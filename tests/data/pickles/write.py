"""One of everything that users keep. As a script, pickles and what they say are written to the folder of this version:

    python tests/data/pickles/write.py

Run with the oldest supported versions of Python and of all dependencies, for each release, and never again for it: what is read was written by
the release.
"""

import json
import pickle
from operator import attrgetter
from pathlib import Path

import numpy as np

import sklearn_ftr as ftr

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
F = X @ [1.0, 0.5]
Y = F + rng.normal(scale=0.5, size=60)
PARTIAL = np.where(np.arange(60) < 30, Y, np.nan)
HERE, REST = slice(20), slice(20, None)
LAW = ftr.ScalingLaw(2.0, 0.7, 0.3)


def mean(**options):
    return ftr.rectify_mean(Y[HERE], F[HERE], F[REST], **options)


def regression():
    return ftr.rectify_linear_regression(X[HERE], Y[HERE], F[HERE], X[REST], F[REST])


def difference():
    group = X[:, 1] > 0
    return ftr.rectify_difference(Y[HERE], F[HERE], F[REST], group[HERE], group[REST])


def of_clusters():
    clusters = np.arange(60) // 2
    design = ftr.SamplingDesign(clusters=clusters[HERE], weights=np.full(20, 2.0))
    rest = ftr.SamplingDesign(clusters=clusters[REST], weights=np.full(40, 2.0))
    return mean(design=design, design_unlabeled=rest)


def fitted(model):
    return model.fit(X, PARTIAL)


def allocator():
    return ftr.FineTuneRectifyAllocator(n_bootstrap=2, max_fits=1, folds=(2,), random_state=0)


def corrector():
    return fitted(ftr.RectifiedMeanEstimator(ftr.PredictionCorrector(), cv=2, random_state=0))


def predictions(model):
    return model.predict(X[:3])


def of_estimate(result):
    return [*np.atleast_1d(result.estimate), *np.atleast_1d(result.standard_error)]


def of_result(model):
    return of_estimate(model.result_)


# How each is made, and what it is asked for.
KEPT = {
    "mean": (mean, of_estimate),
    "share": (
        lambda: ftr.rectify_mean(1.0 * (Y[HERE] > 0), 1.0 * (F[HERE] > 0), 1.0 * (F[REST] > 0)),
        of_estimate,
    ),
    "clusters": (of_clusters, of_estimate),
    "quantile": (lambda: ftr.rectify_quantile(Y[HERE], F[HERE], F[REST], q=0.5), of_estimate),
    "difference": (difference, of_estimate),
    "regression": (regression, of_estimate),
    "contrast": (lambda: regression().contrast([[0, 1, -1]]), of_estimate),
    "comparison": (
        lambda: ftr.compare([mean(), regression()]),
        lambda side: side.columns[1].estimate,
    ),
    "wald": (lambda: regression().wald_test(), attrgetter("p_value")),
    "labels_needed": (lambda: mean().required_labels(0.1, n_rows=10_000), attrgetter("n_labeled")),
    "design": (lambda: ftr.SamplingDesign(weights=[1.0, 2.0]), attrgetter("weights")),
    "pool_moments": (lambda: ftr.PoolMoments(F), attrgetter("mean")),
    "regression_moments": (
        lambda: ftr.LinearRegressionMoments(X, F),
        lambda pool: of_estimate(
            ftr.rectify_linear_regression(X[HERE], Y[HERE], F[HERE], pool),
        ),
    ),
    "costs": (lambda: ftr.Costs(label=2.0), attrgetter("label")),
    "law": (lambda: LAW, lambda law: law.predict([10, 100])),
    "fitted_law": (
        lambda: ftr.fit_scaling_law([5, 10, 20, 40], [2, 1.5, 1.2, 1.1], n_bootstrap=5, random_state=0),
        lambda found: found.law.predict([10, 100]),
    ),
    "plan": (
        lambda: LAW.plan(100, 1_000, total_variance=2.0),
        lambda plan: plan.best().standard_error,
    ),
    "required_labels": (
        lambda: LAW.required_labels(0.1, total_variance=2.0),
        lambda required: required.n_labeled,
    ),
    "scaling_law_regressor": (
        lambda: ftr.ScalingLawRegressor(n_bootstrap=5, random_state=0).fit(
            [[5], [10], [20], [40]], [2, 1.5, 1.2, 1.1]
        ),
        lambda model: model.predict([[10], [100]]),
    ),
    "mean_estimator": (
        lambda: fitted(ftr.RectifiedMeanEstimator(cv=2, random_state=0)),
        lambda model: [*of_result(model), *predictions(model)],
    ),
    "quantile_estimator": (lambda: fitted(ftr.RectifiedQuantile(random_state=0)), of_result),
    "regression_estimator": (
        lambda: fitted(ftr.RectifiedLinearRegression(random_state=0)),
        lambda model: [*of_result(model), *predictions(model)],
    ),
    "corrector": (corrector, of_result),
    "allocator": (lambda: fitted(allocator()), lambda model: [*of_result(model), *predictions(model)]),
    "splitter": (lambda: ftr.LabeledKFold(3), lambda splitter: splitter.get_n_splits()),
}


def told(name, kept):
    """What a kept object says, as a list of numbers."""
    return np.atleast_1d(KEPT[name][1](kept)).astype(float).tolist()


def main():
    folder = Path(__file__).parent / ftr.__version__
    made = {name: make() for name, (make, _) in KEPT.items()}
    folder.mkdir()
    for name, kept in made.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(kept, protocol=4))
    said = {name: told(name, kept) for name, kept in made.items()}
    (folder / "told.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
