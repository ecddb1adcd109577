"""What users get wrong with any estimand: each case one clear error and nothing else, or a finite answer."""

import warnings

import numpy as np
import pandas as pd
import pytest

from sklearn_ftr import (
    m_estimate,
    rectify_difference,
    rectify_glm,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_poisson_regression,
    rectify_quantile,
)
from sklearn_ftr.rectification import _estimand

R, M = 30, 80
RNG = np.random.default_rng(0)
X, X_POOL = RNG.normal(size=(R, 2)), RNG.normal(size=(M, 2))
Y = X[:, 0] + RNG.normal(size=R)
F, F_POOL = Y + RNG.normal(size=R), RNG.normal(size=M)
CLASSES, PREDICTED = (X[:, 1] + Y > 0) * 1.0, np.where(F > 0, 0.8, 0.3)
POOL_PREDICTED = np.where(F_POOL > 0, 0.8, 0.3)
GROUP, GROUP_POOL = np.arange(R) % 2, np.arange(M) % 2


def mean(X, y, theta):
    return y - theta[0]


# Each estimand with its legal arguments.
CALLS = {
    "quantile": (rectify_quantile, {"y": Y, "f": F, "f_unlabeled": F_POOL}),
    "difference": (
        rectify_difference,
        {"y": Y, "f": F, "f_unlabeled": F_POOL, "group": GROUP, "group_unlabeled": GROUP_POOL},
    ),
    "linear": (
        rectify_linear_regression,
        {"X": X, "y": Y, "f": F, "X_unlabeled": X_POOL, "f_unlabeled": F_POOL},
    ),
    "logistic": (
        rectify_logistic_regression,
        {"X": X, "y": CLASSES, "f": PREDICTED, "X_unlabeled": X_POOL, "f_unlabeled": POOL_PREDICTED},
    ),
    "poisson": (
        rectify_poisson_regression,
        {
            "X": X,
            "y": 3 * CLASSES,
            "f": PREDICTED,
            "X_unlabeled": X_POOL,
            "f_unlabeled": POOL_PREDICTED,
        },
    ),
    "m_estimate": (
        m_estimate,
        {
            "psi": mean,
            "X": X,
            "y": Y,
            "f": F,
            "X_unlabeled": X_POOL,
            "f_unlabeled": F_POOL,
            "start": [0.0],
        },
    ),
}
REGRESSIONS = ("linear", "logistic", "poisson", "m_estimate")
everything = pytest.mark.parametrize("name", CALLS)


def call(name, **changes):
    function, arguments = CALLS[name]
    return function(**arguments | changes)


def refused(error, message, name, **changes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=message):
            call(name, **changes)


def with_one(array, value):
    changed = np.array(array, dtype=float)
    changed.flat[-1] = value
    return changed


ARRAYS = {name: [key for key in one if key in ("X", "y", "f")] for name, (_, one) in CALLS.items()}
INPUTS = [
    (name, key)
    for name, (_, arguments) in CALLS.items()
    for key in arguments
    if key in ("X", "y", "f", "X_unlabeled", "f_unlabeled")
]


@pytest.mark.parametrize(("name", "key"), INPUTS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinite_values(name, key, value):
    message = f"^{key} has 1 NaN" if np.isnan(value) else f"^{key} has 0 NaN and 1 infinite"
    if name == "difference" and key == "f_unlabeled":
        message = "f_unlabeled has"
    refused(ValueError, message, name, **{key: with_one(CALLS[name][1][key], value)})


@pytest.mark.parametrize(("name", "key"), INPUTS)
@pytest.mark.parametrize("values", [(1e200, -1e200), (1e200,), (-1e200,), (1e160, 1e160)])
def test_values_whose_squares_overflow(name, key, values):
    """A sum of 1e200 and -1e200 is 0."""
    changed = np.array(CALLS[name][1][key], dtype=float)
    changed.flat[: len(values)] = values
    refused(ValueError, f"{key} has values up to .*squares overflow", name, **{key: changed})


@pytest.mark.parametrize(("name", "key"), INPUTS)
def test_infinite_values_of_both_signs(name, key):
    changed = np.array(CALLS[name][1][key], dtype=float)
    changed.flat[:2] = np.inf, -np.inf
    refused(ValueError, f"{key} has 0 NaN and [12] infinite", name, **{key: changed})


@pytest.mark.parametrize("name", ["linear", "m_estimate"])
def test_influence_that_overflows(name):
    with np.errstate(over="ignore"):
        changes = {key: 1e140 * CALLS[name][1][key] for key in ("y", "f", "f_unlabeled")}
    if name == "m_estimate":
        changes["psi"] = lambda X, y, theta: (y - theta[0]) * 1e100
        refused(ValueError, "squares that overflow|not solved", name, **changes)
    else:
        assert np.isfinite(call(name, **changes).standard_error).all()


@pytest.mark.parametrize(("name", "key"), INPUTS)
def test_input_that_is_not_real_numbers(name, key):
    legal = np.asarray(CALLS[name][1][key], dtype=float)
    refused(ValueError, f"{key} holds text", name, **{key: legal.astype(str)})
    refused(TypeError, f"{key} is a masked array", name, **{key: np.ma.masked_less(legal, 0)})
    refused(ValueError, "Complex data", name, **{key: legal + 1j})
    refused(ValueError, f"{key} holds text or dates", name, **{key: np.abs(legal).astype("M8[s]")})


@pytest.mark.parametrize(("name", "key"), INPUTS)
def test_wrong_lengths_and_dimensions(name, key):
    legal = CALLS[name][1][key]
    refused(
        ValueError,
        "expected|different numbers",
        name,
        **{key: legal[:-1]} if key != "f_unlabeled" else {key: np.zeros((M, 2))},
    )
    refused(ValueError, "has shape", name, **{key: np.zeros((len(legal), 1, 1))})
    refused(ValueError, "has shape", name, **{key: 1.0})


@pytest.mark.parametrize("name", REGRESSIONS)
def test_designs_that_do_not_fit_together(name):
    refused(ValueError, "X_unlabeled has 3 columns and X has 2", name, X_unlabeled=np.ones((M, 3)))
    refused(ValueError, r"f_unlabeled has shape", name, f_unlabeled=CALLS[name][1]["f_unlabeled"][:-1])
    frames = {
        "X": pd.DataFrame(X, columns=["a", "b"]),
        "X_unlabeled": pd.DataFrame(X_POOL, columns=["b", "a"]),
    }
    refused(ValueError, "expected the same order", name, **frames)


@everything
def test_rows_of_other_indexes(name):
    arguments = CALLS[name][1]
    series = {key: pd.Series(arguments[key]) for key in ("y", "f")}
    series["f"].index = series["f"].index[::-1]
    refused(ValueError, "y and f|X and f|different indexes", name, **series, **_frame(name))


def _frame(name):
    return {"X": pd.DataFrame(X)} if name in REGRESSIONS else {}


@pytest.mark.parametrize("lambda_", [np.nan, np.inf, [1.0, 2.0, 3.0, 4.0], "best"])
@everything
def test_bad_lambda(name, lambda_):
    refused(ValueError, "lambda_ is|could not convert string to float: 'best'", name, lambda_=lambda_)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, np.nan])
@everything
def test_bad_confidence_level(name, level):
    refused(
        ValueError,
        "confidence_level is .* expected a number between 0 and 1",
        name,
        confidence_level=level,
    )


@everything
def test_too_few_labels(name):
    for n in (0, 1):
        fewer = {key: CALLS[name][1][key][:n] for key in ARRAYS[name]}
        if name == "difference":
            fewer["group"] = GROUP[:n]
        refused(ValueError, f"{n} labeled row|labeled rows are of {n} groups", name, **fewer)


@pytest.mark.parametrize("name", ["linear", "logistic", "poisson"])
def test_fewer_labels_than_coefficients_and_two(name):
    fewer = {key: CALLS[name][1][key][:4] for key in ARRAYS[name]}
    refused(ValueError, "4 labeled rows for 3 parameters .*expected at least 5", name, **fewer)


@pytest.mark.parametrize("name", ["linear", "logistic", "poisson"])
def test_collinear_designs(name):
    for last, columns in ((X[:, 0] * 2, "x0, x2"), (np.ones(R), "intercept, x2"), (np.zeros(R), "x2")):
        design = {"X": np.column_stack([X, last]), "X_unlabeled": np.column_stack([X_POOL, F_POOL])}
        refused(ValueError, f"The columns {columns} of X are collinear", name, **design)


def test_regression_labels_out_of_range():
    refused(ValueError, "y goes from 1 to 2; expected 0 to 1", "logistic", y=CLASSES + 1)
    refused(ValueError, "f_unlabeled goes from 30 to 80", "logistic", f_unlabeled=100 * POOL_PREDICTED)
    refused(ValueError, "y goes from -1 to 2; expected 0 to inf", "poisson", y=3 * CLASSES - 1)
    refused(ValueError, "f goes from", "poisson", f=-PREDICTED)
    with pytest.raises(ValueError, match="family is 'gamma'; expected one of"):
        rectify_glm(X, Y, F, X_POOL, F_POOL, family="gamma")


def test_classes_that_x_separates():
    message = r"Classes are separated.*infinite.*from all 30 labels"
    refused(ValueError, message, "logistic", y=(X[:, 0] > 0.1) * 1.0)
    refused(ValueError, "coefficient of intercept is infinite: all 30 rows", "logistic", y=np.ones(R))


def test_counts_of_zero_have_no_finite_rate():
    message = r"coefficient of intercept is infinite: all 30 rows have no events \(labels of 0 only\)"
    refused(ValueError, message, "poisson", y=np.zeros(R))


GROUPS = {
    "one group": ({"group": np.zeros(R, int)}, ValueError, r"of 1 groups \(0\); expected two"),
    "three groups": ({"group": np.arange(R) % 3}, ValueError, r"of 3 groups \(0, 1, 2\)"),
    "only in the pool": (
        {"group_unlabeled": GROUP_POOL + 1},
        ValueError,
        "group_unlabeled has 2, of which",
    ),
    "one label": ({"group": (np.arange(R) == 3) * 1}, ValueError, "1 labeled row"),
    "NaN": ({"group": np.where(GROUP, np.nan, 1.0)}, ValueError, "15 NaN; expected a group"),
    "None": ({"group": np.where(GROUP, None, "a")}, ValueError, "15 NaN; expected a group"),
    "NA": ({"group": pd.Series(["a", None] * 15, dtype="string")}, ValueError, "15 NaN"),
    "NaN in the pool": ({"group_unlabeled": with_one(GROUP_POOL, np.nan)}, ValueError, "1 NaN"),
    "short": ({"group": GROUP[:-1]}, ValueError, "group has 29 and group_unlabeled 80 values"),
    "masked": ({"group": np.ma.masked_equal(GROUP, 0)}, TypeError, "masked array"),
    "two outputs": ({"y": np.ones((R, 2))}, ValueError, r"y has shape \(30, 2\); expected one column"),
}


@pytest.mark.parametrize("case", GROUPS)
def test_bad_groups(case):
    changes, error, message = GROUPS[case]
    refused(error, message, "difference", **changes)


@pytest.mark.parametrize("q", [0, 1, -0.1, 1.1, np.nan, [0.5, 1.0], [], [[0.5]]])
def test_bad_levels(q):
    refused(ValueError, "q is .* expected levels between 0 and 1", "quantile", q=q)


def test_quantile_of_several_outputs():
    two = np.ones((R, 2))
    refused(
        ValueError, "call once for each output", "quantile", y=two, f=two, f_unlabeled=np.ones((M, 2))
    )


# Legal, if odd: numbers or a clear error, never a silent NaN.

ODD = {
    "constant y": {"y": np.ones(R)},
    "y of zeros": {"y": np.zeros(R)},
    "constant f": {"f": np.full(R, 0.5), "f_unlabeled": np.full(M, 0.5)},
    "f constant on labels": {"f": np.full(R, 0.5)},
    "f constant on the pool": {"f_unlabeled": np.full(M, 0.5)},
    "tied labels": {"y": np.repeat([0.0, 1.0], [R - 1, 1])},
    "classes": {"y": CLASSES, "f": 1 - CLASSES},
    "perfect": {"f": "y"},
    "empty pool": {"X_unlabeled": X_POOL[:0], "f_unlabeled": F_POOL[:0], "group_unlabeled": []},
    "empty lists": {"X_unlabeled": [], "f_unlabeled": [], "group_unlabeled": []},
    "pool of one": {
        "X_unlabeled": X_POOL[:1],
        "f_unlabeled": POOL_PREDICTED[:1],
        "group_unlabeled": [0],
    },
    "pool of three": {
        "X_unlabeled": X_POOL[:3],
        "f_unlabeled": POOL_PREDICTED[:3],
        "group_unlabeled": [0, 1, 1],
    },
    "few labels": {"first": 6},
    "integers": {"y": CLASSES.astype(int), "f": CLASSES[::-1].astype(int)},
    "large": {"y": 1e100 * CLASSES, "f": 1e100 * PREDICTED, "f_unlabeled": 1e100 * POOL_PREDICTED},
    "small": {"y": 1e-100 * CLASSES, "f": 1e-100 * PREDICTED, "f_unlabeled": 1e-100 * POOL_PREDICTED},
}
CLEAR = (
    "collinear",
    "The pool has",
    "separated",
    "infinite",
    "did not converge",
    "was not solved",
    "goes from",
    "labeled row",
    "squares overflow",
)


@pytest.mark.filterwarnings("ignore::sklearn_ftr.ZeroWidthIntervalWarning")
@pytest.mark.filterwarnings("ignore::sklearn_ftr.PredictionShiftWarning")
@pytest.mark.parametrize("lambda_", [None, 0.7])
@pytest.mark.parametrize("case", ODD)
@everything
def test_odd_input_gives_numbers_or_a_clear_error(name, case, lambda_):
    arguments = CALLS[name][1]
    changes = {key: value for key, value in ODD[case].items() if key in arguments}
    changes = {
        key: arguments["y"] if isinstance(value, str) else value for key, value in changes.items()
    }
    if case == "few labels":
        changes = {key: arguments[key][:6] for key in (*ARRAYS[name], "group") if key in arguments}
    try:
        result = call(name, **changes, lambda_=lambda_)
    except ValueError as error:
        refusal = str(error)
    else:
        _assert_numbers(name, result)
        return
    assert name in REGRESSIONS, refusal
    assert any(word in refusal for word in CLEAR), refusal


def _assert_numbers(name, result):
    numbers = result.to_dict()
    if result.predictions_only is None:
        numbers = {key: value for key, value in numbers.items() if "predictions_only" not in key}
    wrong = [key for key, value in numbers.items() if np.isnan(value).any()]
    assert not wrong
    assert np.isfinite([*np.ravel(result.estimate), *np.ravel(result.standard_error)]).all()
    assert str(result)
    low, high = result.confidence_interval()
    assert np.all(np.ravel(high) > np.ravel(low)) or result.zero_width or name == "quantile"


def test_two_labels_are_enough_for_a_quantile_and_a_mean():
    for q in (0.1, 0.5, [0.25, 0.5]):
        result = rectify_quantile(Y[:2], F[:2], F_POOL, q)
        assert np.isfinite([*np.ravel(result.estimate), *np.ravel(result.standard_error)]).all()
        assert np.isinf(result.confidence_interval()).any()  # two labels cannot bound both ends
        assert not np.any(result.lambda_)
    result = call("m_estimate", **{key: CALLS["m_estimate"][1][key][:3] for key in ("X", "y", "f")})
    assert np.isfinite([*result.estimate, *result.standard_error]).all()


@everything
def test_a_plain_call_is_silent_and_complete(name, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = call(name)
    assert capsys.readouterr() == ("", "")
    assert result.n_labeled == result.n_rectify == R
    assert result.n_unlabeled == M
    assert result.verdict()
    assert result._repr_html_().count("<table>") == 1


@everything
def test_blocks_do_not_matter(name, monkeypatch):
    whole = call(name)
    monkeypatch.setattr(_estimand, "BLOCK_ROWS", 7)
    pieces = call(name)
    np.testing.assert_allclose(pieces.estimate, whole.estimate, rtol=1e-8)
    np.testing.assert_allclose(pieces.standard_error, whole.standard_error, rtol=1e-7)
