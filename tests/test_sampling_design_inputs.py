"""What users of sampling designs hand over: labels of every kind, and mistakes that one clear error answers."""

import datetime
import re
import warnings

import numpy as np
import pandas as pd
import pytest

from sklearn_ftr import (
    SamplingDesign,
    ZeroWidthIntervalWarning,
    m_estimate,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_mean,
)

R, M = 40, 300
rng = np.random.default_rng(0)
CLUSTERS = np.concatenate([np.repeat(np.arange(10), 4), np.arange(M) % 30])
EFFECT = rng.normal(size=30)[CLUSTERS]
Y = 1 + EFFECT + rng.normal(size=R + M)
F = Y + 0.3 + 0.5 * rng.normal(size=R + M)
X = rng.normal(size=(R + M, 2))
WEIGHTS = rng.uniform(0.5, 2, size=R + M)
PROBABILITY = rng.uniform(0.05, 0.3, size=R + M)


def design(start=0, stop=R, **columns):
    return SamplingDesign(**{name: values[start:stop] for name, values in columns.items()})


def mean(y=Y[:R], f=F[:R], pool=F[R:], **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # numpy's, too
        return rectify_mean(y, f, pool, **options)


def mean_of(finite_population=False, **columns):
    return mean(
        design=design(**columns),
        design_unlabeled=design(R, R + M, **columns),
        finite_population=finite_population,
    )


def regression(function, kept=slice(None), **columns):
    labels = Y if function is rectify_linear_regression else (Y > 1) * 1.0
    predictions = F if function is rectify_linear_regression else np.where(F > 1.3, 0.9, 0.1)
    every = np.arange(R + M)[kept]
    of_labels, of_pool = every[every < R], every[every >= R]
    return function(
        *(X[of_labels], labels[of_labels], predictions[of_labels], X[of_pool], predictions[of_pool]),
        design=SamplingDesign(**{name: one[of_labels] for name, one in columns.items()}),
        design_unlabeled=SamplingDesign(**{name: one[of_pool] for name, one in columns.items()}),
    )


def assert_same(left, right):
    np.testing.assert_allclose(left.estimate, right.estimate, rtol=1e-10)
    np.testing.assert_allclose(left.covariance, right.covariance, rtol=1e-8)
    np.testing.assert_allclose(left.degrees_of_freedom, right.degrees_of_freedom, rtol=1e-8)


DAY = datetime.date(2020, 1, 1)
LABELS = {
    "texts": [f"house {i}" for i in CLUSTERS],
    "bytes": [f"house {i}".encode() for i in CLUSTERS],
    "tuples": [("house", int(i)) for i in CLUSTERS],
    "tuples of different lengths": [("house",) * int(i + 1) for i in CLUSTERS],
    "floats": CLUSTERS / 2,
    "negative": -CLUSTERS - 1,
    "whole numbers that floats merge": CLUSTERS + 2**60,
    "list of such": [int(i) + 2**60 for i in CLUSTERS],
    "beyond int64": [int(i) + 2**63 for i in CLUSTERS],
    "beyond uint64": [int(i) + 2**70 for i in CLUSTERS],
    "beyond int64 and negative": [int(i) + 2**63 if i % 2 else -int(i) - 1 for i in CLUSTERS],
    "numbers and texts": [int(i) if i % 2 else f"house {i}" for i in CLUSTERS],
    "dates": [DAY + datetime.timedelta(int(i)) for i in CLUSTERS],
    "timestamps": pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(CLUSTERS, "D")),
    "durations": pd.Series(pd.to_timedelta(CLUSTERS, "D")),
    "categories": pd.Series(pd.Categorical([f"house {i}" for i in CLUSTERS])),
    "categories of numbers": pd.Categorical(CLUSTERS),
    "pandas integers": pd.Series(CLUSTERS, dtype="Int64"),
    "pandas texts": pd.Series([f"house {i}" for i in CLUSTERS], dtype="string"),
    "two levels": pd.MultiIndex.from_arrays([CLUSTERS // 3, CLUSTERS % 3]),
    "one column": CLUSTERS[:, None],
    "frozen sets": [frozenset([int(i)]) for i in CLUSTERS],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_clusters_may_have_labels_of_any_kind(labels):
    assert_same(mean_of(clusters=labels), mean_of(clusters=CLUSTERS))


@pytest.mark.parametrize(
    ("of_labels", "of_pool"),
    [
        (CLUSTERS[:R].astype(np.uint64) + np.uint64(2**60), CLUSTERS[R:] + 2**60),
        (CLUSTERS[:R] * 1.0, CLUSTERS[R:]),
        (pd.Series(CLUSTERS[:R], dtype="Int64"), CLUSTERS[R:] * 1.0),
        (LABELS["timestamps"][:R], list(LABELS["timestamps"][R:])),
        (np.array(LABELS["texts"][:R]), pd.Series(LABELS["texts"][R:], dtype=object)),
    ],
    ids=["uint64 and int64", "float and int", "Int64 and float", "dates", "texts"],
)
def test_both_sides_may_hold_the_same_labels_in_other_types(of_labels, of_pool):
    result = mean(
        design=SamplingDesign(clusters=of_labels), design_unlabeled=SamplingDesign(clusters=of_pool)
    )
    assert_same(result, mean_of(clusters=CLUSTERS))


@pytest.mark.parametrize("name", ["clusters", "strata"])
@pytest.mark.parametrize(
    ("of_labels", "of_pool"),
    [
        (CLUSTERS[:R] % 2, [str(i % 2) for i in CLUSTERS[R:]]),
        ([str(i % 2).encode() for i in CLUSTERS[:R]], [str(i % 2) for i in CLUSTERS[R:]]),
        (LABELS["timestamps"][:R], [DAY] * M),
    ],
    ids=["numbers and texts", "bytes and texts", "times and dates"],
)
def test_labels_of_which_none_can_be_the_same_are_refused(name, of_labels, of_pool):
    with pytest.raises(ValueError, match=f"{name} are labels of different kinds among labeled rows"):
        mean(
            design=SamplingDesign(**{name: of_labels}),
            design_unlabeled=SamplingDesign(**{name: of_pool}),
        )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"clusters": [["a"], ["b"]]}, "labels that cannot be hashed, such as ['a']"),
        ({"clusters": [("a", [1]), "b"]}, "labels that cannot be hashed, such as ('a', [1])"),
        ({"clusters": {"a", "b"}}, "expected a label for each row, in their order"),
        ({"clusters": {"a": 1, "b": 2}}, "expected a label for each row, in their order"),
        ({"clusters": "ab"}, "clusters is 'ab'; expected a label for each row"),
        ({"clusters": 3}, "clusters is 3; expected a label for each row"),
        ({"clusters": np.array(3)}, "clusters has shape (); expected (n_rows,)"),
        ({"clusters": np.zeros((2, 2))}, "clusters has shape (2, 2); expected (n_rows,)"),
        ({"clusters": [1.0, np.nan]}, "clusters has 1 missing values"),
        ({"strata": ["a", None]}, "strata has 1 missing values"),
        ({"strata": [("a", float("nan")), ("a", 1.0)]}, "strata has 1 missing values"),
        ({"strata": pd.Series([1, pd.NA], dtype="Int64")}, "strata has 1 missing values"),
        ({"strata": pd.Series([DAY, pd.NaT])}, "strata has 1 missing values"),
        ({"strata": pd.Categorical(["a", None])}, "strata has 1 missing values"),
        ({"weights": [1.0, np.nan]}, "weights has 1 NaN or infinite values"),
        ({"weights": [1.0, -1.0]}, "weights has 1 negative values"),
        ({"weights": [0.0, 0.0]}, "weights are all zero (2 rows)"),
        ({"weights": ["1", "2"]}, "weights holds text"),
        ({"weights": [True, False]}, "expected numbers, not True or False"),
        ({"labeling_probability": [0.0, 0.5]}, "1 values outside (0, 1], such as 0"),
        ({"weights": [1.0], "strata": [1, 2]}, "different lengths: weights 1, strata 2"),
        ({"clusters": [1, 2], "lonely": "drop"}, "lonely is 'drop'; expected one of"),
    ],
)
def test_columns_that_say_nothing_are_refused(columns, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SamplingDesign(**columns)


@pytest.mark.parametrize("name", ["clusters", "weights"])
def test_masked_columns_are_refused(name):
    with pytest.raises(TypeError, match=f"{name} is a masked array"):
        SamplingDesign(**{name: np.ma.masked_array([1, 2], [True, False])})


@pytest.mark.parametrize("which", ["y", "f", "X"])
def test_the_index_is_that_of_all_labeled_rows(which):
    data = {"X": X[:R], "y": Y[:R], "f": F[:R]}
    data[which] = pd.DataFrame(X[:R]) if which == "X" else pd.Series(data[which])
    of_labels = SamplingDesign(clusters=pd.Series(CLUSTERS[:R], index=rng.permutation(R)))
    with pytest.raises(ValueError, match=f"{which} and design have different indexes"):
        rectify_linear_regression(**data, X_unlabeled=X[R:], f_unlabeled=F[R:], design=of_labels)


@pytest.mark.parametrize("which", ["f_unlabeled", "X_unlabeled"])
def test_the_index_is_that_of_all_unlabeled_rows(which):
    data = {"X": X[:R], "y": Y[:R], "f": F[:R], "X_unlabeled": X[R:], "f_unlabeled": F[R:]}
    data[which] = pd.DataFrame(data[which]) if which[0] == "X" else pd.Series(data[which])
    of_pool = SamplingDesign(clusters=pd.Series(CLUSTERS[R:], index=rng.permutation(M)))
    with pytest.raises(ValueError, match=f"{which} and design_unlabeled have different indexes"):
        m_estimate(
            lambda X, y, theta: (y - theta[0])[:, None], **data, start=[0], design_unlabeled=of_pool
        )


@pytest.mark.parametrize("scale", [5e307, 1e-300])
def test_the_scale_of_weights_does_not_matter(scale):
    assert_same(mean_of(weights=WEIGHTS * scale), mean_of(weights=WEIGHTS))
    scaled, plain = (
        regression(rectify_logistic_regression, weights=WEIGHTS * one) for one in (scale, 1.0)
    )
    assert_same(scaled, plain)


def test_the_smallest_probabilities_do_not_overflow():
    probability = np.where(np.arange(R) < 3, 1e-320, 0.5)
    three = mean(design=SamplingDesign(labeling_probability=probability))
    assert three.labels_only.estimate == pytest.approx(Y[:3].mean())


def test_few_rows_with_weights_are_too_few_for_a_regression():
    weights = (np.arange(R + M) % R < 3) * 1.0
    with pytest.raises(ValueError, match="The labels are in 3 clusters for 3 parameters"):
        regression(rectify_linear_regression, weights=weights)


def zero_weights():
    weights = WEIGHTS.copy()
    weights[:5], weights[R : R + 50] = 0, 0
    return weights


@pytest.mark.parametrize("clusters", [False, True])
def test_rows_with_weight_zero_are_as_if_they_were_not_there(clusters):
    weights = zero_weights()
    kept = weights > 0
    columns = {"weights": weights} | ({"clusters": CLUSTERS} if clusters else {})
    without = mean(
        *(Y[:R][kept[:R]], F[:R][kept[:R]], F[R:][kept[R:]]),
        design=SamplingDesign(**{name: one[:R][kept[:R]] for name, one in columns.items()}),
        design_unlabeled=SamplingDesign(**{name: one[R:][kept[R:]] for name, one in columns.items()}),
    )
    result = mean_of(**columns)
    assert_same(result, without)
    assert_same(result.labels_only, without.labels_only)
    assert result.residual_variance == pytest.approx(without.residual_variance)
    assert result.design_effect == pytest.approx(without.design_effect)


@pytest.mark.parametrize("function", [rectify_linear_regression, rectify_logistic_regression])
def test_so_they_are_in_regressions(function):
    weights = zero_weights()
    columns = {"weights": weights, "clusters": CLUSTERS}
    assert_same(regression(function, **columns), regression(function, kept=weights > 0, **columns))


def test_a_single_row_with_a_weight_shows_no_variance():
    with pytest.raises(ValueError, match="expected at least 2"):
        mean_of(weights=np.where(np.arange(R + M) == 3, 1.0, (np.arange(R + M) >= R) * 1.0))


@pytest.mark.parametrize("lonely", ["refuse", "center"])
@pytest.mark.parametrize("finite", [False, True])
def test_a_single_cluster_shows_no_variance_whatever_is_done_with_lonely_ones(lonely, finite):
    of_labels = SamplingDesign(clusters=[1] * R, lonely=lonely)
    of_pool = SamplingDesign(clusters=CLUSTERS[R:] + 2)
    with pytest.raises(ValueError, match="All 40 labels with a weight are in 1 cluster"):
        mean(design=of_labels, design_unlabeled=of_pool, finite_population=finite)


def test_a_lonely_stratum_is_refused_or_centred():
    strata = np.where(CLUSTERS == 0, 9, CLUSTERS % 2)
    with pytest.raises(ValueError, match="Stratum 9 has a single cluster with labels"):
        mean_of(strata=strata, clusters=CLUSTERS)
    result = mean(
        design=SamplingDesign(strata=strata[:R], clusters=CLUSTERS[:R], lonely="center"),
        design_unlabeled=SamplingDesign(strata=strata[R:], clusters=CLUSTERS[R:]),
    )
    assert result.standard_error > 0


EMPTY = {"weights": WEIGHTS, "clusters": CLUSTERS, "strata": CLUSTERS % 2}


@pytest.mark.parametrize("name", EMPTY)
def test_the_design_of_an_empty_pool_is_empty_or_none(name):
    of_labels = design(**{name: EMPTY[name]})
    empty = SamplingDesign(**{name: []})
    answers = [
        mean(pool=[], design=of_labels, design_unlabeled=one)
        for one in (empty, None, SamplingDesign(**{name: EMPTY[name][:0]}))
    ]
    assert_same(answers[0], answers[1])
    assert_same(answers[0], answers[2])
    assert mean(pool=[], design_unlabeled=empty).estimate == pytest.approx(Y[:R].mean())


@pytest.mark.parametrize(
    ("of_labels", "of_pool", "finite", "message"),
    [
        ({"clusters": CLUSTERS[:5]}, {}, False, "design has 5 rows and y has 40"),
        ({}, {"clusters": CLUSTERS[:5]}, False, "design_unlabeled has 5 rows and f_unlabeled has 300"),
        ({"weights": WEIGHTS[:R]}, {}, False, "design has weights and design_unlabeled has none"),
        ({}, {"strata": CLUSTERS[R:]}, False, "design_unlabeled has strata and design has none"),
        (
            {},
            {"labeling_probability": PROBABILITY[R:]},
            False,
            "design_unlabeled has labeling_probability and design has none",
        ),
        (
            {"labeling_probability": [np.nan] * R},
            {},
            False,
            "labeling_probability is NaN for 40 labeled rows",
        ),
        (
            {"strata": np.arange(R) % 2, "clusters": CLUSTERS[:R]},
            {"strata": np.arange(M) % 2, "clusters": CLUSTERS[R:] + 10},
            False,
            "Clusters cross strata",
        ),
        ({"strata": [1] * R}, {"strata": [1, 2, 3] * 100}, False, "Strata 2, 3 have no labeled row"),
        (
            {"clusters": CLUSTERS[:R]},
            {},
            True,
            "design has clusters and design_unlabeled has none",
        ),
        (
            {},
            {"clusters": CLUSTERS[R:]},
            True,
            "design_unlabeled has clusters and design has none",
        ),
        (
            {"clusters": CLUSTERS[:R]},
            {"clusters": CLUSTERS[R:]},
            True,
            "10 clusters have labeled and unlabeled rows, and the population is finite",
        ),
        (
            {"clusters": CLUSTERS[:R], "labeling_probability": 0.1 + CLUSTERS[:R] / 100},
            {"clusters": CLUSTERS[R:]},
            True,
            "10 clusters have labeled and unlabeled rows, and the population is finite",
        ),
        (
            {"clusters": CLUSTERS[:R], "labeling_probability": PROBABILITY[:R]},
            {"clusters": CLUSTERS[R:] + 10},
            True,
            "labeling_probability differs within 10 clusters",
        ),
    ],
)
def test_designs_that_contradict_each_other_or_the_data(of_labels, of_pool, finite, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        mean(
            design=SamplingDesign(**of_labels),
            design_unlabeled=SamplingDesign(**of_pool),
            finite_population=finite,
        )


@pytest.mark.parametrize("given", [{"clusters": CLUSTERS}, SamplingDesign, "clusters"])
def test_what_is_no_design_is_refused(given):
    with pytest.raises(ValueError, match="expected a SamplingDesign"):
        mean(design=given)


@pytest.mark.parametrize(
    "columns",
    [{}, {"labeling_probability": PROBABILITY}, {"strata": CLUSTERS % 2}, {"clusters": CLUSTERS}],
    ids=["none", "probabilities", "strata", "clusters"],
)
def test_a_population_with_all_rows_labeled_is_known(columns):
    result = mean(pool=[], design=design(**columns), finite_population=True)
    assert result.estimate == pytest.approx(Y[:R].mean(), rel=1e-14)
    assert result.standard_error == 0
    assert result.is_complete


@pytest.mark.parametrize(
    "columns", [{"clusters": CLUSTERS}, {"weights": WEIGHTS}], ids=["clusters", "weights"]
)
def test_predictions_that_are_all_alike_are_worth_nothing(columns):
    result = mean(
        *(Y[:R], np.full(R, 0.1), np.full(M, 0.1)),
        design=design(**columns),
        design_unlabeled=design(R, R + M, **columns),
    )
    assert (result.lambda_, result.efficiency) == (0, pytest.approx(1))
    assert_same(result.labels_only, result)


def test_labels_without_any_variance_are_told():
    with pytest.warns(ZeroWidthIntervalWarning):
        rectify_mean(
            *(np.full(R, 0.3), np.full(R, 0.3), np.full(M, 0.3)), design=design(clusters=CLUSTERS)
        )


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.inf, "1 infinite values"), (np.nan, "1 NaN"), (1e200, "whose squares overflow")],
)
def test_values_of_the_pool_that_are_no_numbers_are_told(value, message):
    pool = F[R:].copy()
    pool[3] = value
    with pytest.raises(ValueError, match=message):
        mean(pool=pool, design=design(clusters=CLUSTERS))


def test_single_precision_and_several_outputs():
    single = mean(
        *(one.astype(np.float32) for one in (Y[:R], F[:R], F[R:])),
        design=design(weights=WEIGHTS.astype(np.float32)),
        design_unlabeled=design(R, R + M, weights=WEIGHTS.astype(np.float32)),
    )
    np.testing.assert_allclose(single.estimate, mean_of(weights=WEIGHTS).estimate, rtol=1e-5)
    two = [np.column_stack([one, one**2]) for one in (Y[:R], F[:R], F[R:])]
    both = mean(
        *two,
        design=design(clusters=CLUSTERS),
        design_unlabeled=design(R, R + M, clusters=CLUSTERS),
    )
    alone = mean_of(clusters=CLUSTERS)
    assert both.estimate[0] == pytest.approx(alone.estimate)
    assert both.standard_error[0] == pytest.approx(alone.standard_error)


@pytest.mark.grid(4)
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("n_clusters", [1, 2, 3])
def test_a_pool_in_a_handful_of_clusters_is_not_taken_for_the_population(n_clusters, shared):
    """100 rows of one cluster tell its mean, not that of all clusters; 300 draws, of which 22 to 88 % held the mean without it."""
    of_labels = np.repeat(np.arange(20), 8)
    of_pool = np.repeat(np.arange(n_clusters), 100) + (0 if shared else 20)
    clusters, r, held = np.concatenate([of_labels, of_pool]), len(of_labels), []
    for seed in range(300):
        numbers = np.random.default_rng(seed)
        effect = 0.55 * numbers.normal(size=clusters.max() + 1)[clusters]
        y = effect + 0.84 * numbers.normal(size=len(clusters))
        f = 0.3 + 0.7 * y + 0.6 * numbers.normal(size=len(clusters))
        result = rectify_mean(
            *(y[:r], f[:r], f[r:]),
            design=SamplingDesign(clusters=of_labels),
            design_unlabeled=SamplingDesign(clusters=of_pool),
        )
        low, high = result.confidence_interval()
        held.append(low < 0 < high)
    assert np.mean(held) >= 0.92


def test_one_cluster_does_not_decide_on_lambda():
    """All rows of 100 clusters but one have labels; the standard error was up to 6 times that of labels only, or a quarter of it."""
    clusters, labeled = np.repeat(np.arange(100), 4), np.arange(400) > 0
    for seed in range(20):
        numbers = np.random.default_rng(seed)
        y = numbers.normal(size=100)[clusters] + numbers.normal(size=400)
        f = y + 0.4 * numbers.normal(size=400)
        result = rectify_mean(
            *(y[labeled], f[labeled], f[~labeled]),
            design=SamplingDesign(clusters=clusters[labeled]),
            design_unlabeled=SamplingDesign(clusters=clusters[~labeled]),
        )
        assert result.standard_error == pytest.approx(result.labels_only.standard_error)


@pytest.mark.thorough
def test_clusters_without_labels_vary_as_those_with_labels_do():
    """One or two labels of a cluster say little of how its total varies; standard errors were 1.11 times the spread of estimates."""
    clusters, n = np.repeat(np.arange(300), 4), 1_200
    estimates, errors = [], []
    for seed in range(300):
        numbers = np.random.default_rng(seed)
        y = numbers.normal(size=n)
        f, labeled = y + 0.7 * numbers.normal(size=n), numbers.random(n) < 0.3
        result = rectify_mean(
            *(y[labeled], f[labeled], f[~labeled]),
            design=SamplingDesign(clusters=clusters[labeled]),
            design_unlabeled=SamplingDesign(clusters=clusters[~labeled]),
            lambda_=1.0,
        )
        estimates.append(result.estimate)
        errors.append(result.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.08)


@pytest.mark.parametrize("m", [1, 2, 10])
def test_few_unlabeled_pieces_borrow_the_variance_as_few_rows_do(m):
    weights = np.ones(R + m)
    weights[0] += 1e-9  # so that rows are not alike
    result = mean(
        pool=F[R : R + m],
        design=SamplingDesign(weights=weights[:R]),
        design_unlabeled=SamplingDesign(weights=weights[R:]),
    )
    rows = mean(pool=F[R : R + m])
    assert result.standard_error >= rows.standard_error * (1 - 1e-6)
    assert result.standard_error == pytest.approx(rows.standard_error, rel=0.1)
