"""What is expected of the user's model: what it returns, when it can predict, how weights reach it, which y it gets."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneGroupOut, StratifiedGroupKFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.fixes import parse_version

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    LabeledKFold,
    PredictionCorrector,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
)


class Returning(RegressorMixin, BaseEstimator):
    """Returns what a function makes of right predictions."""

    def __init__(self, made_of=None):
        self.made_of = made_of

    def fit(self, X, y):
        self.model_ = LinearRegression().fit(np.asarray(X), y)

    def predict(self, X):
        return self.made_of(self.model_.predict(np.asarray(X)))


class ReturningProbabilities(ClassifierMixin, BaseEstimator):
    def __init__(self, made_of=None, classes=(0.0, 1.0)):
        self.made_of = made_of
        self.classes = classes

    def fit(self, X, y):
        self.classes_ = self.classes
        return self

    def predict_proba(self, X):
        share = 1 / (1 + np.exp(-np.asarray(X)[:, 0]))
        return self.made_of(np.column_stack([1 - share, share]))

    def predict(self, X):
        return self.made_of(np.asarray(X)[:, 0])


def rectified(estimator, **parameters):
    return RectifiedMeanEstimator(estimator, random_state=0, **parameters)


@pytest.fixture
def shares(population):
    X, y = population
    return X, np.where(np.isnan(y), y, y > 3)


def with_gap(f):
    return np.where(np.arange(len(f)) == 1, np.nan, f)


def on_a_tensor_with_gradient(f):
    torch = pytest.importorskip("torch")
    return torch.tensor(f, requires_grad=True)


# What a model returns


@pytest.mark.parametrize(
    ("made_of", "message"),
    [
        (lambda f: f[:-1], r"Returning.predict returned for 96 rows has shape \(95,\); expected one prediction for each"),
        (lambda f: f[:0], r"for 96 rows has shape \(0,\)"),
        (lambda f: np.append(f, 0), r"for 96 rows has shape \(97,\)"),
        (lambda f: np.tile(f, 2), r"for 96 rows has shape \(192,\)"),
        (lambda f: f[None, :], r"for 96 rows has shape \(1, 96\)"),
        (lambda f: f[:, None, None], r"for 96 rows has shape \(96, 1, 1\)"),
        (lambda f: f[:, None][:, :0], r"for 96 rows has shape \(96, 0\)"),
        (lambda f: np.column_stack([f, f]), "Returning predicted 2 outputs for labels with 1; expected the same"),
        (lambda f: f[0], r"for 96 rows has shape \(\)"),
        (lambda f: None, r"for 96 rows has (shape \(\)|dtype object)"),
        (lambda f: iter(f), "for 96 rows holds objects of type"),
        (with_gap, "The prediction of Returning has 1 NaN and 0 infinite values among 96"),
        (lambda f: [None, *f.tolist()[1:]], "has 1 NaN"),
        (lambda f: pd.array(np.round(f), dtype="Int64").insert(1, pd.NA)[: len(f)], "has 1 NaN"),
        (lambda f: f / 0, "0 NaN and 96 infinite"),
        (lambda f: f * 1e200, "squares overflow"),
        (lambda f: np.ma.masked_where(f > f.mean(), f), r"masked array with \d+ masked values; expected a prediction"),
        (lambda f: f + 0j, "Complex data not supported"),
        (lambda f: f.astype(str), "holds text or dates"),
        (lambda f: f.astype(str).astype(object), "holds text or dates"),
        (lambda f: np.where(f > 3, "yes", "no"), "What Returning.predict returned for 96 rows holds text"),
        (lambda f: f.astype("datetime64[D]"), "holds text or dates"),
        (lambda f: f.astype("timedelta64[D]"), "holds text or dates"),
        (lambda f: pd.Series(f).sort_values(), r"has the index \[.*expected that of X"),
        (lambda f: [[1.0], [1.0, 2.0]], "of type list and makes no array"),
        (on_a_tensor_with_gradient, "of type Tensor and makes no array"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_predictions_that_are_refused(made_of, message, population):
    with pytest.raises((TypeError, ValueError), match=message):
        rectified(Returning(made_of)).fit(*population)


def test_the_number_of_unlabeled_rows_does_not_shrink_in_silence(population):
    """Right for the rows that rectify, short for the pool; and short in one block only."""
    X, y = population
    for made_of in (lambda f: f if len(f) < 200 else f[:200], lambda f: f[: max(len(f) - 1, 96)]):
        with pytest.raises(ValueError, match="for 780 rows has shape"):
            rectified(Returning(made_of)).fit(X, y)


@pytest.mark.parametrize(
    "made_of",
    [
        list,
        lambda f: f[:, None],
        lambda f: f.astype(object),
        lambda f: np.ma.masked_array(f),
        lambda f: sparse.csr_matrix(f[:, None]),
        lambda f: pd.Series(f),
        lambda f: pd.DataFrame({"f": f}),
        lambda f: pd.array(f, dtype="Float64"),
        np.squeeze,
    ],
)  # fmt: skip
def test_predictions_that_are_taken(made_of, population, monkeypatch):
    """In blocks of 97 the last one of 780 has four rows; in blocks of 41, one."""
    X, y = population
    monkeypatch.setattr("sklearn_ftr.estimators._inner_model.rows_at_once", lambda X: 41)
    expected = rectified(LinearRegression()).fit(X, y)
    assert rectified(Returning(made_of)).fit(X, y).mean_ == pytest.approx(expected.mean_, rel=1e-12)


def test_the_index_of_a_frame(population):
    X, y = population
    order = np.random.default_rng(1).permutation(900)
    frame = pd.DataFrame(X, index=order)
    y = pd.Series(y, index=order)

    class Series(LinearRegression):
        def __init__(self, sort=False, reset=False):
            super().__init__()
            self.sort, self.reset = sort, reset

        def predict(self, X):
            f = pd.Series(super().predict(np.asarray(X)), index=X.index)
            return f.reset_index(drop=True) if self.reset else f.sort_index() if self.sort else f

        def fit(self, X, y):
            return super().fit(np.asarray(X), y)

    expected = rectified(LinearRegression()).fit(X, y.to_numpy()).mean_
    for model in (Series(), Series(reset=True)):
        assert rectified(model).fit(frame, y).mean_ == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match=r"has the index .* in the same order. Return an array"):
        rectified(Series(sort=True)).fit(frame, y)


@pytest.mark.parametrize(
    ("made_of", "message"),
    [
        (lambda p: p[:, :1], r"predict_proba returned 1 columns for the 2 classes \[0.0, 1.0\]"),
        (lambda p: p[:, 1], "returned 1 columns"),
        (lambda p: np.column_stack([p, 0 * p[:, 0]]), "returned 3 columns for the 2 classes"),
        (lambda p: p[:-1], r"predict_proba returned for 96 rows has shape \(95, 2\)"),
        (lambda p: np.log(p), "expected probabilities from 0 to 1 with the sum 1"),
        (lambda p: 100 * p, r"values from .* to .*; expected probabilities"),
        (lambda p: p / 2, "sums of a row from 0.5 to 0.5; expected probabilities"),
        (lambda p: 2 * p - 0.5, "expected probabilities from 0 to 1"),
        (lambda p: np.where(p > p.max() - 1e-9, np.nan, p), "has 1 NaN"),
        (lambda p: [p, p], "expected"),
        (lambda p: p.astype(str), "holds text"),
    ],
)  # fmt: skip
def test_probabilities_that_are_refused(made_of, message, shares):
    with pytest.raises(ValueError, match=message):
        rectified(ReturningProbabilities(made_of)).fit(*shares)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, object])
def test_probabilities_are_rounded_in_small_types(dtype, shares):
    expected = rectified(ReturningProbabilities(lambda p: p)).fit(*shares)
    model = rectified(ReturningProbabilities(lambda p: p.astype(dtype))).fit(*shares)
    assert model.mean_ == pytest.approx(expected.mean_, abs=1e-3)
    frame = rectified(ReturningProbabilities(lambda p: pd.DataFrame(p, columns=["no", "yes"])))
    assert frame.fit(*shares).mean_ == expected.mean_


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["no", "yes"], r"has the classes \['no', 'yes'\]; expected numbers"),
        (np.array(["0", "1"]), "expected numbers in classes_"),
        ([0.0, np.nan], "expected numbers in classes_"),
        (None, "has the classes None; expected numbers"),
        ([np.array([0, 1]), np.array([0, 1])], "was trained on several outputs"),
    ],
)
def test_classes_that_are_no_numbers(classes, message, shares):
    with pytest.raises(ValueError, match=message):
        rectified(ReturningProbabilities(lambda p: p, classes)).fit(*shares)


def test_classifiers_without_probabilities_predict_classes(shares):
    X, y = shares
    model = rectified(SVC(), split_ratio=0.5).fit(X, y)
    assert set(model.estimator_.predict(X)) <= {0.0, 1.0}
    trained = SVC().fit(X[:120], np.where(y[:120] > 0, "yes", "no"))
    with pytest.raises(
        ValueError, match=r"What FrozenEstimator.predict returned for 120 rows holds text"
    ):
        rectified(FrozenEstimator(trained)).fit(X, y)


def test_corrections_are_counted_too(population):
    X, y = population
    for made_of, message in [
        (lambda f: f[:-1], "What Returning.predict returned for 96 rows has shape"),
        (lambda f: f[0], r"has shape \(\)"),
        (with_gap, "The prediction of Returning has 1 NaN"),
        (lambda f: np.column_stack([f, f]), "predicted 2 outputs for labels with 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            rectified(PredictionCorrector(Returning(made_of))).fit(X, y)
    with pytest.raises(ValueError, match="returned for 900 rows has shape"):
        PredictionCorrector(Returning(lambda f: f[1:])).fit(X[:120], y[:120]).predict(X)


def test_initialized_models_are_counted_too(population):
    class Initializing(Returning):
        def initialize(self, X, y):
            self.fit(X, y)

    with pytest.raises(ValueError, match=r"for 120 rows has shape \(119,\)"):
        rectified(Initializing(lambda f: f[1:]), split_ratio=0).fit(*population)
    assert rectified(Initializing(list), split_ratio=0).fit(*population).efficiency_ > 1


def test_new_rows_and_scores_are_counted_too(population):
    X, y = population
    model = rectified(Returning(lambda f: f)).fit(X, y)
    model.estimator_.made_of = lambda f: f[1:]
    with pytest.raises(ValueError, match="for 900 rows has shape"):
        model.predict(X)
    with pytest.raises(ValueError, match="for 120 rows has shape"):
        model.score(X, y)


# Models that can predict once they are fitted


def stack(**parameters):
    return StackingRegressor([("ridge", Ridge()), ("strong", Ridge(10))], cv=3, **parameters)


@pytest.mark.parametrize(
    "model",
    [
        stack(),
        make_pipeline(StandardScaler(), stack()),
        make_pipeline(StandardScaler(), make_pipeline(stack())),
        GridSearchCV(stack(), {"passthrough": [False, True]}, cv=3),
        GridSearchCV(make_pipeline(stack()), {"stackingregressor__passthrough": [False]}, cv=3),
        PredictionCorrector(stack()),
        PredictionCorrector(make_pipeline(stack())),
        TransformedTargetRegressor(stack()),
        StackingRegressor([("inner", stack())], cv=3),
        BaggingRegressor(stack(), 2),
    ],
    ids=lambda model: repr(model)[:40],
)
def test_stacks(model, population):
    fitted = rectified(model, split_ratio=0.5).fit(*population)
    assert fitted.efficiency_ > 1
    assert np.isfinite(fitted.predict(population[0])).all()


def test_stacks_of_classifiers_and_several_outputs(shares, population):
    classifiers = StackingClassifier([("logistic", LogisticRegression())], cv=2)
    assert 0 < rectified(classifiers, cv=2).fit(*shares).mean_ < 1
    X, y = population
    both = rectified(MultiOutputRegressor(stack()), cv=2).fit(X, np.column_stack([y, -y]))
    assert both.mean_.shape == (2,)
    frozen = FrozenEstimator(stack().fit(X[:60], y[:60]))
    assert rectified(frozen).fit(X, np.where(np.arange(900) < 60, np.nan, y)).n_finetune_ == 0


def test_a_stack_in_every_estimator(population):
    X, y = population
    FineTuneRectifyAllocator(rectified(stack()), folds=(2,), n_bootstrap=10).fit(X, y).predict(X)
    RectifiedQuantile(stack(), cv=2).fit(X, y)
    RectifiedLinearRegression(stack(), covariates=[0], cv=2).fit(X, y)
    assert not rectified(stack()).__sklearn_tags__().target_tags.multi_output


@pytest.mark.parametrize(
    "model",
    [
        StandardScaler(),
        make_pipeline(StandardScaler()),
        make_pipeline(Ridge(), "passthrough"),
        GridSearchCV(StandardScaler(), {}),
        GridSearchCV(make_pipeline(StandardScaler()), {}),
        FrozenEstimator(stack()),
    ],
    ids=lambda model: repr(model)[:40],
)
def test_what_will_never_predict_is_refused(model, population):
    for estimator in (rectified(model), rectified(PredictionCorrector(model))):
        with pytest.raises(
            ValueError, match=r"an object implementing 'fit' and 'predict'|comes with predictions"
        ):
            estimator.fit(*population)


def test_what_does_not_predict_when_fitted_is_refused(population):
    class NeverPredicts(StackingRegressor):
        def fit(self, X, y):
            self.final_estimator_ = StandardScaler()
            return self

    model = NeverPredicts([("ridge", Ridge())])
    with pytest.raises(TypeError, match="NeverPredicts has no predict, not even now that it is fitted"):
        rectified(model).fit(*population)


# Weights in training


class Weighted(RegressorMixin, BaseEstimator):
    """Remembers nothing but that it has been weighted: predicts the weighted mean, and adds what X says."""

    def fit(self, X, y, sample_weight=None):
        assert sample_weight is not None
        assert np.ptp(sample_weight) > 0
        self.model_ = LinearRegression().fit(X, y, sample_weight)
        return self

    def predict(self, X):
        return self.model_.predict(X)


class Unweighted(StandardScaler):
    """A transformer that could be weighted, and is not to be."""

    def fit(self, X, y=None, sample_weight=None):
        assert sample_weight is None
        return super().fit(X, y)


def nested(model):
    """Ways to that model, all of which predict what it alone does."""
    return {
        "itself": model,
        "pipeline": make_pipeline(Unweighted(), model),
        "pipelines": make_pipeline(Unweighted(), make_pipeline(Unweighted(), model)),
        "search": GridSearchCV(model, {}, cv=2),
        "search in pipeline": make_pipeline(Unweighted(), GridSearchCV(model, {}, cv=2)),
        "search of pipeline": GridSearchCV(make_pipeline(Unweighted(), model), {}, cv=2, scoring="r2"),
        "target": TransformedTargetRegressor(model),
        "target of pipeline": TransformedTargetRegressor(make_pipeline(Unweighted(), model)),
        "pipeline of target": make_pipeline(Unweighted(), TransformedTargetRegressor(model)),
        "correction": PredictionCorrector(model),
        "pipeline of correction": make_pipeline(Unweighted(), PredictionCorrector(model)),
        "correction by pipeline": PredictionCorrector(make_pipeline(Unweighted(), model)),
    }


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("way", list(nested(Weighted())))
def test_weights_find_their_way(way, routing, population):
    X, y = population
    estimator = nested(Weighted())[way]

    def coefficients(model):
        regression = RectifiedLinearRegression(
            model, covariates=[1, 2], finetune_weights=True, cv=3, random_state=0
        )
        with sklearn.config_context(enable_metadata_routing=routing):
            return regression.fit(X, y).coef_

    np.testing.assert_allclose(coefficients(estimator), coefficients(Weighted()), rtol=1e-6)


def test_weights_of_the_default_and_of_ensembles(population):
    X, y = population
    members = [("ridge", Ridge()), ("strong", Ridge(10))]
    for model in (
        None,
        PredictionCorrector(),
        BaggingRegressor(Ridge(), 3),
        VotingRegressor(members),
        stack(),
    ):
        for routing in (False, True):
            with sklearn.config_context(enable_metadata_routing=routing):
                plain, weighted = (
                    RectifiedLinearRegression(
                        model, covariates=[1], finetune_weights=weigh, random_state=0, split_ratio=0.5
                    ).fit(X, y)
                    for weigh in (False, True)
                )
            assert not np.allclose(plain.coef_, weighted.coef_, rtol=1e-9)


@pytest.mark.parametrize("requested", [True, "importance"])
def test_requests_of_the_user_are_kept(requested, population):
    X, y = population
    with sklearn.config_context(enable_metadata_routing=True):
        one_step = make_pipeline(Unweighted(), Weighted().set_fit_request(sample_weight=requested))
        # Searches score by weights of the usual name; old versions want the pipeline to be asked, too.
        searchable = requested is True and parse_version(sklearn.__version__) >= parse_version("1.9")
        for model in (one_step, GridSearchCV(one_step, {}, cv=2)) if searchable else (one_step,):
            RectifiedLinearRegression(model, covariates=[1], finetune_weights=True).fit(X, y)
        scaled = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=requested),
            Weighted().set_fit_request(sample_weight=requested),
        )
        RectifiedLinearRegression(scaled, covariates=[1], finetune_weights=True, cv=2).fit(X, y)
        assert scaled[0].get_metadata_routing().fit.requests["sample_weight"] == requested


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize(
    ("model", "where"),
    [
        (KNeighborsRegressor(), ""),
        (make_pipeline(StandardScaler(), KNeighborsRegressor()), r" \(step 'kneighborsregressor' of Pipeline\)"),
        (
            make_pipeline(make_pipeline(KNeighborsRegressor())),
            r" \(step 'kneighborsregressor' of Pipeline \(step 'pipeline' of Pipeline\)\)",
        ),
        (GridSearchCV(KNeighborsRegressor(), {}), r" \(inside GridSearchCV\)"),
        (TransformedTargetRegressor(KNeighborsRegressor()), r" \(inside TransformedTargetRegressor\)"),
        (PredictionCorrector(KNeighborsRegressor()), r" \(inside PredictionCorrector\)"),
    ],
)  # fmt: skip
def test_weights_that_cannot_get_through(model, where, routing, population):
    regression = RectifiedLinearRegression(model, covariates=[1], finetune_weights=True)
    message = f"KNeighborsRegressor.fit has no parameter sample_weight{where}, so that"
    with (
        sklearn.config_context(enable_metadata_routing=routing),
        pytest.raises(ValueError, match=message),
    ):
        regression.fit(*population)


def test_weights_of_a_correction_by_itself(population):
    X, y = (part[:120] for part in population)
    for routing in (False, True):
        with sklearn.config_context(enable_metadata_routing=routing):
            model = PredictionCorrector().fit(X, y, sample_weight=np.arange(120.0))
        assert not np.allclose(model.predict(X), PredictionCorrector().fit(X, y).predict(X))


# Folds by groups


@pytest.mark.parametrize(
    "splitter", [GroupKFold(5), LeaveOneGroupOut(), StratifiedGroupKFold(5)], ids=repr
)
def test_splitters_by_groups_say_what_to_pass(splitter, shares):
    X, y = shares
    with pytest.raises(
        ValueError, match=r"splits by groups.*cv=list\(.*groups\[labeled\]\)\)"
    ) as error:
        rectified(Ridge(), cv=splitter).fit(X, y)
    assert type(splitter).__name__ in str(error.value)
    groups, labeled = np.repeat(np.arange(90), 10), ~np.isnan(y)
    folds = list(splitter.split(X[labeled], y[labeled], groups[labeled]))
    model = rectified(Ridge(), cv=folds).fit(X, y)
    assert len(model.estimators_) == len(folds)
    assert model.n_rectify_ == 120
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(120))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])


# Labels of shape (n, 1)


@pytest.mark.parametrize(
    "parameters", [{}, {"cv": 4}, {"cv": LabeledKFold(3, random_state=0)}, {"cv": 4, "pool_prediction": "split"}], ids=str
)  # fmt: skip
@pytest.mark.parametrize(
    "estimator",
    [
        None,
        Ridge(),
        LogisticRegression(),
        RandomForestClassifier(10),
        StackingClassifier([("logistic", LogisticRegression())], cv=2),
        PredictionCorrector(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_one_column_of_labels_is_one_output(estimator, parameters, shares):
    X, y = shares
    flat = rectified(estimator, **parameters).fit(X, y)
    column = rectified(estimator, **parameters).fit(X, y[:, None])
    for name in (
        "mean_",
        "standard_error_",
        "lambda_",
        "efficiency_",
        "rectifier_",
        "residual_variance_",
    ):
        assert getattr(column, name).shape == (1,)
        assert getattr(column, name)[0] == getattr(flat, name)
    np.testing.assert_array_equal(column.predict(X), flat.predict(X)[:, None])
    assert column.score(X, y[:, None]) == flat.score(X, y)


@pytest.mark.filterwarnings("ignore:A column-vector y was passed")  # what has one output only says so
@pytest.mark.parametrize("estimator", [LogisticRegression(), PredictionCorrector(), None], ids=repr)
def test_one_column_of_labels_is_one_output_elsewhere(estimator, shares):
    X, y = shares
    zero_shot = PredictionCorrector() if estimator is None else None
    if zero_shot is not None:
        flat, column = (
            rectified(zero_shot, split_ratio=0).fit(X, labels) for labels in (y, y[:, None])
        )
        assert column.mean_[0] == flat.mean_
    flat, column = (
        FineTuneRectifyAllocator(rectified(estimator), n_bootstrap=20, random_state=0).fit(X, labels)
        for labels in (y, y[:, None])
    )
    assert column.mean_[0] == flat.mean_
    assert str(column.plan_) == str(flat.plan_)
    np.testing.assert_array_equal(column.learning_curve_.variances, flat.learning_curve_.variances)
    flat, column = (
        RectifiedQuantile(Ridge(), cv=3, random_state=0).fit(X, labels) for labels in (y, y[:, None])
    )
    np.testing.assert_array_equal(np.ravel(column.quantile_), flat.quantile_)
    splits = [list(LabeledKFold(4, random_state=0).split(X, labels)) for labels in (y, y[:, None])]
    assert all(np.array_equal(one[1], other[1]) for one, other in zip(*splits, strict=True))


def test_classes_are_stratified_in_a_column_too(shares):
    X, y = shares
    rare = np.where(np.isnan(y), y, np.arange(900) < 5)

    class Counting(LogisticRegression):
        def fit(self, X, y):
            assert y.shape == (96,)
            assert y.sum() == 4
            return super().fit(X, y)

    for labels in (rare, rare[:, None]):
        rectified(Counting(), cv=5).fit(X, labels)
