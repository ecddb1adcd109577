"""Sampling designs against R's survey 4.1 (Lumley 2004): golden numbers of tests/golden/generate_survey.R.

Estimates and standard errors of labels only agree to the last digits. Where survey has another small-sample factor, or another
definition, the test says which and compares after it.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from sklearn_ftr import (
    SamplingDesign,
    rectify_difference,
    rectify_glm,
    rectify_mean,
    rectify_quantile,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_ftr.PredictionShiftWarning")
GOLDEN = json.loads((Path(__file__).parent / "golden" / "survey.json").read_text(encoding="utf-8"))
ROWS = {name: np.array(values) for name, values in GOLDEN["rows"].items()}
N, Y, F, W = len(ROWS["y"]), ROWS["y"], ROWS["f"], ROWS["w"]
X = np.column_stack([ROWS["x1"], ROWS["x2"]])
NOTHING = np.empty(0)
ALL = np.ones(N, dtype=bool)
DESIGNS = {
    "weights": {"weights": "w"},
    "clusters": {"clusters": "cluster"},
    "weights_clusters": {"weights": "w", "clusters": "cluster"},
    "strata": {"weights": "w", "strata": "stratum"},
    "strata_clusters": {"weights": "w", "clusters": "cluster", "strata": "stratum"},
}
designs = pytest.mark.parametrize("name", DESIGNS)
OUTCOMES = {"gaussian": "y", "binomial": "answer", "poisson": "count"}
# To 1e-8 and better; numbers of order 1.
same = {"rel": 1e-8}


def design_of(columns, rows=ALL):
    return SamplingDesign(**{name: ROWS[column][rows] for name, column in columns.items()})


def both_sides(columns, labeled):
    """Labels, predictions, and how both sides were drawn."""
    drawn = {}
    if columns:
        drawn = {
            "design": design_of(columns, labeled),
            "design_unlabeled": design_of(columns, ~labeled),
        }
    return (Y[labeled], F[labeled], F[~labeled]), drawn


# Labels only


@designs
def test_svymean(name):
    golden = GOLDEN["labels"][name]
    result = rectify_mean(Y, F, NOTHING, design=design_of(DESIGNS[name]))
    assert result.estimate == pytest.approx(golden["mean"], **same)
    assert result.standard_error == pytest.approx(golden["se"], **same)
    assert result.labels_only.standard_error == pytest.approx(golden["se"], **same)
    assert result.degrees_of_freedom == golden["df"]


def test_a_lonely_stratum_as_survey_adjusts_it():
    columns = {"weights": "w", "clusters": "cluster", "strata": "lonely"}
    one = design_of(columns)
    design = SamplingDesign(one.weights, one.clusters, one.strata, lonely="center")
    result = rectify_mean(Y, F, NOTHING, design=design)
    assert result.standard_error == pytest.approx(GOLDEN["lonely"]["se"], **same)
    assert result.degrees_of_freedom == GOLDEN["lonely"]["df"]


@designs
@pytest.mark.parametrize("family", OUTCOMES)
def test_svyglm(name, family):
    """Of G clusters in H strata, k coefficients cost k - 1 degrees of freedom here, and survey's factor has none of them: the covariance
    is (G - H) / (G - H - k + 1) of survey's, which without strata is G / (G - k) in place of G / (G - 1)."""
    golden, y = GOLDEN["labels"][name], ROWS[OUTCOMES[family]]
    f = np.clip(F, 0, 1) if family == "binomial" else np.abs(F)
    drawn = design_of(DESIGNS[name])
    result = rectify_glm(X, y, f, X[:0], NOTHING, family=family, design=drawn)
    degrees = golden["df"]
    np.testing.assert_allclose(result.estimate, golden[family]["coefficients"], rtol=1e-8)
    covariance = np.array(golden[family]["covariance"]) * degrees / (degrees - 2)
    np.testing.assert_allclose(result.covariance, covariance, rtol=1e-7)
    assert set(result.degrees_of_freedom) == {degrees - 2} == {golden[family]["df"]}


@designs
@pytest.mark.parametrize("q", [0.25, 0.5, 0.9])
@pytest.mark.parametrize("column", ["y", "rating"])
def test_svyquantile(name, q, column):
    """With qrule="math", the inverse of F, and the standard error of F at the quantile, which is svymean's of the indicator.

    Intervals differ: survey takes F(quantile) +- t SE back through F (interval.type="mean"), this package inverts the sign test of
    F = q with as many labels as know F as well. The former is off the level by the size of the atom where labels have ties.
    """
    golden = GOLDEN["labels"][name][f"quantile {column} {q:g}"]
    result = rectify_quantile(ROWS[column], F, NOTHING, q, design=design_of(DESIGNS[name]))
    assert result.estimate == golden["quantile"]
    share, error = golden["share"], golden["se_of_share"]
    variance = result.design_effect * share * (1 - share) / (N - 1)
    assert np.sqrt(variance) == pytest.approx(error, rel=1e-8, abs=1e-12)
    low, high = result.confidence_interval()
    assert low <= result.estimate <= high
    if (
        column == "y"
    ):  # widths of Woodruff's interval about q and about F(quantile), to an order statistic or two
        assert result.standard_error == pytest.approx(golden["se"], rel=0.15)


@designs
def test_svyby_and_contrast(name):
    """Domain means; a group of few clusters has the factor of its own clusters where that is larger, and both means cost one degree of freedom."""
    golden, g = GOLDEN["labels"][name], ROWS["g"]
    columns = DESIGNS[name]
    result = rectify_difference(Y, F, NOTHING, g, g[:0], design=design_of(columns))
    pieces = ROWS[columns["clusters"]] if "clusters" in columns else np.arange(N)
    strata = ROWS[columns["strata"]] if "strata" in columns else np.zeros(N)
    degrees, factors = golden["df"], []
    for group in (0, 1):
        inside = g == group
        spare = len(np.unique(pieces[inside])) - len(np.unique(strata[inside]))
        own, of_both = (spare + 1) / spare, len(np.unique(pieces)) / (degrees - 1)
        factors.append(degrees / (degrees - 1) * max(own / of_both, 1))
    covariance = np.array(golden["groups"]["covariance"]) * np.sqrt(np.outer(factors, factors))
    means = golden["groups"]["means"]
    for part, mean, variance in zip(result.parts.values(), means, np.diag(covariance), strict=True):
        assert part.estimate == pytest.approx(mean, **same)
        assert part.standard_error**2 == pytest.approx(variance, **same)
    contrast = np.array([-1, 1])
    assert result.estimate == pytest.approx(contrast @ means, **same)
    assert result.standard_error**2 == pytest.approx(contrast @ covariance @ contrast, **same)


# Finite populations

FINITE = {
    "simple": {},
    "stratified": {"strata": "stratum"},
    "by_cluster": {"clusters": "cluster"},
    # By default labels of a stratum stand for its rows, of which the number is known; survey's weights are those of clusters.
    "by_cluster_in_strata": {
        "clusters": "cluster",
        "strata": "stratum",
        "labeling_probability": "cluster_pi",
    },
}
finite = pytest.mark.parametrize("name", FINITE)


@finite
def test_finite_population_correction(name):
    """Labels alone (lambda = 0), and the difference estimator (lambda = 1): the mean prediction of all rows plus svymean of y - f."""
    golden, labeled = GOLDEN["finite"][name], ROWS[name] == 1
    call, drawn = both_sides(FINITE[name], labeled)
    alone = rectify_mean(*call, lambda_=0.0, finite_population=True, **drawn)
    assert alone.estimate == pytest.approx(golden["y"]["mean"], **same)
    assert alone.standard_error == pytest.approx(golden["y"]["se"], **same)
    assert alone.degrees_of_freedom == golden["y"]["df"]
    plain = rectify_mean(*call, lambda_=1.0, finite_population=True, **drawn)
    assert plain.estimate == pytest.approx(F.mean() + golden["residual"]["mean"], **same)
    assert plain.standard_error == pytest.approx(golden["residual"]["se"], **same)
    assert plain.labels_only.standard_error == pytest.approx(golden["y"]["se"], **same)


@finite
def test_svyglm_of_a_finite_population(name):
    golden, labeled = GOLDEN["finite"][name], ROWS[name] == 1
    (y, f, pool), drawn = both_sides(FINITE[name], labeled)
    result = rectify_glm(
        *(X[labeled], y, f, X[~labeled], pool),
        family="gaussian",
        lambda_=0.0,
        finite_population=True,
        **drawn,
    )
    degrees = golden["y"]["df"]
    covariance = np.array(golden["gaussian"]["covariance"]) * degrees / (degrees - 2)
    np.testing.assert_allclose(result.estimate, golden["gaussian"]["coefficients"], rtol=1e-8)
    np.testing.assert_allclose(result.covariance, covariance, rtol=1e-8)


@pytest.mark.parametrize("name", ["simple", "stratified"])
def test_calibration_to_the_predictions_of_a_finite_population(name):
    """calibrate() is the regression estimator: ours with its slope for lambda, to the last digits. Its standard error weighs residuals
    with the calibrated weights ("g-weights"), ours with those of the design: 6 % apart with 60 labels. The tuned lambda is that slope in
    a simple random sample; within strata it is the slope of the smallest variance, and the standard errors are alike."""
    golden, labeled = GOLDEN["greg"][name], ROWS[name] == 1
    call, drawn = both_sides(FINITE[name], labeled)
    result = rectify_mean(*call, lambda_=golden["slope"], finite_population=True, **drawn)
    assert result.estimate == pytest.approx(golden["mean"], **same)
    assert result.standard_error == pytest.approx(golden["se"], rel=0.065)
    tuned = rectify_mean(*call, finite_population=True, **drawn)
    assert tuned.lambda_ == pytest.approx(golden["slope"], rel=1e-8 if name == "simple" else 0.01)
    assert tuned.standard_error == pytest.approx(golden["se"], rel=0.045)


# Two phases

SHARE = np.array([np.mean(ROWS["stratified"][ROWS["stratum"] == h]) for h in ROWS["stratum"]])
ROWS["share"] = SHARE
PHASES = {
    "simple": ("simple", {}),
    # Rows were drawn within strata, and labels, too; rows at random and labels within strata (docs/sampling_designs.md).
    "stratified": ("stratified", {"strata": "stratum"}),
    "stratified_labels": ("stratified", {"labeling_probability": "share"}),
    "by_pi": ("by_pi", {"labeling_probability": "pi"}),
}
phases = pytest.mark.parametrize("name", PHASES)


@phases
def test_labels_of_a_second_phase(name):
    """Means of labels and of y - f agree. Of variances survey sums two phases, each with its own n / (n - 1); here all is one sum over labels: 2 %."""
    chosen, columns = PHASES[name]
    golden, labeled = GOLDEN["two_phases"][name], ROWS[chosen] == 1
    call, drawn = both_sides({"weights": "w", **columns}, labeled)
    alone = rectify_mean(*call, lambda_=0.0, **drawn)
    assert alone.estimate == pytest.approx(golden["y"]["mean"], **same)
    assert alone.standard_error == pytest.approx(golden["y"]["se"], rel=0.02)
    # The pool of a simple random sample are unlabeled rows alone, so that lambda = 1 takes their part of all rows.
    lambda_ = W[~labeled].sum() / W.sum() if name == "simple" else 1.0
    plain = rectify_mean(*call, lambda_=lambda_, **drawn)
    of_all = np.average(F, weights=W)
    assert plain.estimate == pytest.approx(of_all + golden["residual"]["mean"], **same)


@phases
def test_calibration_to_the_predictions_of_the_first_phase(name):
    """The same estimate with the slope of calibrate() for lambda. Of standard errors the first phase's part is from the predictions of all
    rows here, and from labels in survey, which has g-weights, too: 7 % apart with 57 to 70 labels."""
    chosen, columns = PHASES[name]
    golden, labeled = GOLDEN["calibrated"][name], ROWS[chosen] == 1
    call, drawn = both_sides(columns, labeled)
    part = np.mean(~labeled) if name == "simple" else 1.0
    result = rectify_mean(*call, lambda_=part * golden["slope"], **drawn)
    assert result.estimate == pytest.approx(golden["mean"], **same)
    assert result.standard_error == pytest.approx(golden["se"], rel=0.07)
    tuned = rectify_mean(*call, **drawn)
    assert tuned.estimate == pytest.approx(golden["mean"], abs=0.2 * golden["se"])
    assert tuned.lambda_ == pytest.approx(part * golden["slope"], rel=0.05)
