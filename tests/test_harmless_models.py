"""Models whose rows are not copied: they are known to leave these as they are, and do."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import RandomForestRegressor, StackingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import all_estimators

from sklearn_ftr import RectifiedMeanEstimator
from sklearn_ftr.estimators._default_predictor import default_estimator
from sklearn_ftr.estimators._harmless import leaves_rows_alone
from sklearn_ftr.estimators._own_rows import aligned_rows


class Mine(Ridge):
    pass


HARMLESS = {
    "ridge": Ridge(),
    "pipeline": make_pipeline(SimpleImputer(), StandardScaler(), RandomForestRegressor()),
    "columns": make_pipeline(ColumnTransformer([("one", StandardScaler(), [0])]), Ridge()),
    "search": GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}),
    "stack": StackingRegressor([("one", Ridge()), ("two", LinearRegression())]),
    "default": default_estimator(),
}
OTHERS = {
    "subclass": Mine(),
    "of a pipeline": make_pipeline(StandardScaler(), Mine()),
    "of a search": GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge": [Mine()]}),
    "in place": make_pipeline(StandardScaler(copy=False), Ridge()),
    "in place, said otherwise": make_pipeline(StandardScaler(copy=np.False_), Ridge()),
    "a function": make_pipeline(FunctionTransformer(np.log1p), Ridge()),
    "of the target": TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
    "of columns": make_pipeline(ColumnTransformer([("one", FunctionTransformer(abs), [0])]), Ridge()),
}
REGRESSORS = [kind for _, kind in all_estimators("regressor")]


@pytest.mark.parametrize("name", HARMLESS)
def test_parts_of_scikit_learn_are_known(name):
    assert leaves_rows_alone(HARMLESS[name])


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_may_alter_rows_gets_copies(name):
    assert not leaves_rows_alone(OTHERS[name])


def test_a_model_with_a_method_of_its_own():
    model = Ridge()
    model.predict = abs
    assert not leaves_rows_alone(model)


@pytest.mark.parametrize("kind", REGRESSORS, ids=lambda kind: kind.__name__)
def test_regressors_of_scikit_learn_do_leave_rows_alone(kind):
    rng = np.random.default_rng(0)
    X = np.abs(rng.normal(size=(40, 1 if kind.__name__ == "IsotonicRegression" else 3)))
    y = X.sum(axis=1) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are about to go, some do not converge
        try:
            model = kind()
        except TypeError:
            pytest.skip("It needs other estimators.")
        if not leaves_rows_alone(model):
            pytest.skip("It gets copies.")
        several = kind.__name__.startswith(("Multi", "CCA", "PLSCanonical"))
        model.fit(X, np.column_stack([y, y]) if several else y)
        for rows in (X.copy(), pd.DataFrame(X), X.astype(np.float32)):
            before = rows.copy()
            model.predict(rows)
            np.testing.assert_array_equal(np.asarray(rows), np.asarray(before))


def test_models_that_are_known_see_the_rows_themselves(monkeypatch):
    """And others copies."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 2)), rng.normal(size=400)
    y[40:] = np.nan
    seen, its = [], Ridge.predict

    def predict(self, rows):
        seen.append(np.shares_memory(rows, X))
        return its(self, rows)

    monkeypatch.setattr(Ridge, "predict", predict)
    for model, shares in ((Ridge(), True), (Mine(), False)):
        RectifiedMeanEstimator(model, random_state=0).fit(X, y)
        assert any(seen) is shares
        seen.clear()


def test_numbers_that_lie_anywhere_are_moved():
    """As those that a cluster sends may: sums over them have another order."""
    numbers = np.random.default_rng(0).normal(size=(500, 4))
    memory = np.frombuffer(b"x" + numbers.tobytes(), dtype=np.uint8)[1:]
    there = memory.view(np.float64).reshape(500, 4)
    assert not there.flags.aligned
    for X in (there, pd.DataFrame(there, copy=False)):
        moved = aligned_rows(X)
        np.testing.assert_array_equal(np.asarray(moved), numbers)
        assert np.asarray(moved).flags.aligned
    for X in (numbers, pd.DataFrame(numbers), pd.DataFrame({"text": ["a", "b"]}), ["a", "b"]):
        assert aligned_rows(X) is X
