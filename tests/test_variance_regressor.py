"""The network regressor, and one test for each trap of training networks under scikit-learn."""

import pickle
import re
import signal
import warnings
from itertools import product

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from torch import nn

from sklearn_ftr import VarianceLoss, VarianceRegressor
from sklearn_ftr.finetuning._mlp import MLP
from sklearn_ftr.finetuning._rows import EqualBatches, FeatureRows, LabeledRows


@pytest.fixture
def data(rng):
    X = rng.normal(size=(300, 4))
    return X, 50 + X @ [1.0, -2.0, 0.5, 0.0] + rng.normal(scale=0.3, size=300)


def quick(**parameters):
    return VarianceRegressor(**{"max_epochs": 30, "random_state": 0} | parameters)


def residual_variance(model, X, y):
    return np.var(y[200:] - model.fit(X[:200], y[:200]).predict(X[200:]))


# What it does


@pytest.mark.grid(3)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"criterion": "profiled_variance"},
        {"criterion": "profiled_variance", "batch_size": 1, "max_epochs": 5},
        {"criterion": "profiled_variance", "batch_size": 16, "accumulate_batches": 4},
        {"criterion": "centered_mse"},
        {"early_stopping": True, "max_epochs": 100},
        {"dtype": "float32"},
        {
            "batch_size": 200,
            "max_epochs": 8,
            "optimizer": lambda p, lr, weight_decay: torch.optim.LBFGS(p, lr=0.1),
        },
    ],
    ids=lambda parameters: "-".join(parameters) or "default",
)
def test_learns(data, parameters):
    model = quick(**{"learning_rate": 3e-3, "max_epochs": 60} | parameters)
    assert residual_variance(model, *data) < 0.1 * np.var(data[1])
    assert abs(np.mean(data[1][:200] - model.predict(data[0][:200]))) < 1e-6


def test_mse_on_raw_targets_is_worse_than_the_variance(data):
    """The paper's comparison: ratings far from zero cost the squared error its epochs."""
    variance, centered, raw = (
        residual_variance(quick(criterion=criterion), *data)
        for criterion in ("variance", "centered_mse", "mse")
    )
    assert raw > 1.5 * variance
    assert centered == pytest.approx(variance, rel=0.4)


def test_criterion_of_ones_own(data):
    class Absolute(nn.Module):
        def forward(self, prediction, target):
            return (prediction - target).abs().mean()

    model = quick(criterion=Absolute, learning_rate=0.05).fit(data[0], data[1] - 50)
    assert model.score(data[0], data[1] - 50) > 0.8


def test_several_outputs_and_output_weight(data):
    X, y = data
    Y = np.column_stack([y, -2 * y])
    model = quick(output_weight=[1.0, 0.0]).fit(X, Y)
    assert model.predict(X).shape == (300, 2)
    assert model.residual_variance_.shape == (2,)
    assert model.residual_variance_[0] < 0.5 * np.var(y)
    assert model.residual_variance_[1] > 0.5 * np.var(2 * y)  # nobody asked for the second output


def test_scale_and_offset_of_the_targets_do_not_matter(data):
    X, y = data
    one, other = quick().fit(X, y), quick().fit(X, 1e6 + 1e4 * y)
    np.testing.assert_allclose(other.predict(X), 1e6 + 1e4 * one.predict(X), rtol=1e-6)


def test_sample_weight_moves_the_fit(data):
    X, y = data
    Y = np.where(np.arange(300) < 150, y, -y)
    heavy = quick().fit(X, Y, sample_weight=np.where(np.arange(300) < 150, 1.0, 1e-6))
    assert heavy.score(X[:150], Y[:150]) > 0.5
    with pytest.raises(ValueError, match="at least 2 rows of positive weight"):
        quick().fit(X, y, sample_weight=np.eye(300)[0])


# Both losses that look at a whole batch; all pairs in `make slow`.
QUICK = {("variance", 64), ("profiled_variance", 16)}


@pytest.mark.grid(2)
@pytest.mark.parametrize(
    ("criterion", "batch_size"),
    [
        pytest.param(*pair, marks=() if pair in QUICK else pytest.mark.slow)
        for pair in product(["variance", "profiled_variance", "centered_mse"], [16, 64, 1000])
    ],
)
def test_a_row_counts_by_its_weight_whatever_its_batch(rng, batch_size, criterion):
    """A few heavy rows with another slope: weighted least squares says 1.5."""
    X = rng.normal(size=(1_000, 1))
    heavy = np.arange(1_000) < 100
    y = np.where(heavy, 2.5, -2.5) * X[:, 0] + 0.1 * rng.normal(size=1_000)
    weight = np.where(heavy, 36.0, 1.0)
    expected = np.polyfit(X[:, 0], y, 1, w=weight**0.5)[0]
    model = quick(
        module_kwargs={"hidden_layer_sizes": ()},
        criterion=criterion,
        batch_size=batch_size,
        max_epochs=3 * batch_size,
        learning_rate=1e-2,
        weight_decay=0.0,
    ).fit(X, y, sample_weight=weight)
    slope = float(np.diff(model.predict(np.array([[0.0], [1.0]])))[0])
    assert slope == pytest.approx(expected, abs=0.15)


def test_early_stopping_goes_back_to_the_best_epoch(data):
    X, y = data
    model = quick(early_stopping=True, patience=3, max_epochs=500, learning_rate=0.05).fit(
        X[:60], y[:60]
    )
    losses = [row["valid_loss"] for row in model.net_.history]
    assert model.n_epochs_ == len(losses) < 500
    assert np.argmin(losses) == len(losses) - 1 - 3
    with pytest.raises(ValueError, match="would hold out 2 of 3 rows"):
        quick(early_stopping=True).fit(X[:3], y[:3])


# Pretrained weights


class Linear(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.layer = nn.Linear(n_features, 1)

    def forward(self, X):
        return self.layer(X)


@pytest.fixture
def pretrained():
    weights = Linear(4).state_dict()
    weights["layer.weight"][:] = torch.tensor([[1.0, -2.0, 0.5, 0.0]])
    weights["layer.bias"][:] = 7.0
    return weights


def test_zero_shot_prediction(data, pretrained):
    X, y = data
    model = VarianceRegressor(Linear, weights=pretrained).initialize(X)
    np.testing.assert_allclose(model.predict(X), 7 + X @ [1.0, -2.0, 0.5, 0.0], rtol=1e-6)
    assert model.n_epochs_ == 0
    assert model.initialize(X, np.column_stack([y])).predict(X).shape == (300, 1)


def test_training_starts_from_pretrained_weights(data, pretrained):
    X, y = data
    model = VarianceRegressor(Linear, weights=pretrained, max_epochs=1, learning_rate=1e-6).fit(X, y)
    assert np.var(y - model.predict(X)) < 0.1
    assert model.scale_ == 1


def test_folds_start_from_the_same_weights_and_leave_them_alone(data, pretrained):
    before = {name: value.clone() for name, value in pretrained.items()}
    model = VarianceRegressor(
        Linear, weights=pretrained, max_epochs=2, random_state=0, learning_rate=0.1
    )
    first = clone(model).fit(*data).predict(data[0])
    np.testing.assert_array_equal(clone(model).fit(*data).predict(data[0]), first)
    assert all(torch.equal(pretrained[name], before[name]) for name in before)


def test_weights_from_a_file_and_from_a_function(data, pretrained, tmp_path):
    torch.save(pretrained, tmp_path / "weights.pt")
    expected = VarianceRegressor(Linear, weights=pretrained).initialize(data[0]).predict(data[0])
    for weights in (tmp_path / "weights.pt", str(tmp_path / "weights.pt"), lambda: pretrained):
        model = VarianceRegressor(Linear, weights=weights).initialize(data[0])
        np.testing.assert_array_equal(model.predict(data[0]), expected)


def test_weights_that_do_not_fit(data, pretrained):
    with pytest.raises(ValueError, match="weights do not fit MLP; expected its state dict"):
        VarianceRegressor(weights=pretrained).fit(*data)


# The traps


def test_trap_module_instances_leak_weights_through_clone(data):
    with pytest.raises(TypeError, match="instance of MLP; expected its class"):
        VarianceRegressor(MLP(4)).fit(*data)


def test_trap_float64_input_and_one_dimensional_targets(data):
    """skorch's own regressor raises for the first and broadcasts the second to n x n."""
    X, y = data
    assert quick().fit(X.astype(np.float64), y).predict(X).shape == (300,)


def test_trap_broadcasting_module_output(data):
    class Flat(Linear):
        def forward(self, X):
            return self.layer(X)[:, 0]

    with pytest.raises(ValueError, match=r"returned shape \(60,\) for targets of shape \(60, 1\)"):
        quick(module=Flat, criterion="variance").fit(*data)


@pytest.mark.parametrize("n", [2, 3, 64, 65, 127, 128, 129])
@pytest.mark.parametrize("batch_size", [2, 3, 64])
def test_trap_a_last_batch_of_one_row(n, batch_size):
    rows = LabeledRows(FeatureRows(torch.arange(n)))
    batches = [batch for (batch,) in EqualBatches(rows, batch_size, shuffle=True)]
    sizes = [len(batch) for batch in batches]
    assert min(sizes) >= 2
    assert max(sizes) <= max(batch_size, 3)
    assert sorted(torch.cat(batches).tolist()) == list(range(n))


def test_trap_no_network_turns_to_nan_on_65_rows(data):
    assert np.isfinite(quick().fit(data[0][:65], data[1][:65]).predict(data[0])).all()


def test_trap_batch_size_of_one_has_no_variance(data):
    with pytest.raises(ValueError, match=r'batch_size=1.*criterion="profiled_variance"'):
        quick(batch_size=1).fit(*data)


def test_trap_train_split_keeps_no_row_out(data):
    """skorch's default would hold out every fifth row; without early stopping all of them train."""
    X, y = data
    seen = []

    class Counting(Linear):
        def forward(self, X):
            if self.training:
                seen.append(len(X))
            return super().forward(X)

    quick(module=Counting, max_epochs=1).fit(X, y)
    assert sum(seen) == 300


def test_trap_batches_are_shuffled(data):
    X, y = data
    seen = []

    class Watching(Linear):
        def forward(self, X):
            if self.training:
                seen.append(X.detach().clone())
            return super().forward(X)

    quick(module=Watching, max_epochs=2, batch_size=150).fit(X, y)
    first, second = torch.cat(seen[:2]), torch.cat(seen[2:])
    assert not torch.equal(first, torch.from_numpy(X))
    assert not torch.equal(first, second)


def test_trap_a_plain_fit_prints_nothing_and_warns_of_nothing(data, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick().fit(*data).predict(data[0])
    assert capsys.readouterr() == ("", "")


def test_progress_on_request(data, capsys):
    model = quick(verbose=1, max_epochs=20).fit(*data)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    last = model.history_["training_loss"][-1]
    assert lines[-1] == f"[VarianceRegressor] training: 100 %, 20 of 20 epochs, loss {last:.4g}"
    quick(verbose=1, max_epochs=5, early_stopping=True).fit(*data)
    assert len(re.findall("validation loss", capsys.readouterr().err)) == 5


def test_trap_interrupts_are_not_swallowed(data):
    class Interrupting(Linear):
        def forward(self, X):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quick(module=Interrupting).fit(*data)


def test_trap_the_global_random_state_is_untouched(data):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    quick(module_kwargs={"dropout": 0.5}).fit(*data).predict(data[0])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("hidden", "threads"), [((8,), 1), ((4096, 64), 2)])
def test_small_networks_train_on_one_thread(data, hidden, threads):
    """Threads that wait for each other made small networks 80 times slower on a busy machine."""
    seen = set()

    class Watching(MLP):
        def forward(self, X):
            seen.add((self.training, torch.get_num_threads()))
            return super().forward(X)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        kwargs = {"hidden_layer_sizes": hidden}
        quick(module=Watching, module_kwargs={"n_features": 4} | kwargs, max_epochs=1).fit(*data)
        assert torch.get_num_threads() == 2
        assert (True, threads) in seen
    finally:
        torch.set_num_threads(before)


def test_same_seed_same_numbers_whatever_the_global_state(data):
    torch.manual_seed(1)
    first = quick(module_kwargs={"dropout": 0.5}).fit(*data).predict(data[0])
    torch.manual_seed(2)
    np.testing.assert_array_equal(
        quick(module_kwargs={"dropout": 0.5}).fit(*data).predict(data[0]), first
    )
    other = quick(random_state=1).fit(*data).predict(data[0])
    assert not np.array_equal(other, first)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_trap_predictions_do_not_depend_on_their_neighbours(data, dtype):
    model = quick(dtype=dtype).fit(*data)
    alone = [model.predict(row[None, :])[0] for row in data[0][:20]]
    precision = {"float32": 1e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(alone, model.predict(data[0])[:20], rtol=precision)


def test_trap_dropout_is_off_in_prediction(data):
    model = quick(module_kwargs={"dropout": 0.9}).fit(*data)
    np.testing.assert_array_equal(model.predict(data[0]), model.predict(data[0]))


def test_pickle(data):
    model = quick(early_stopping=True).fit(*data)
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict(data[0]), model.predict(data[0]))


@pytest.mark.thorough
def test_grid_search_over_inner_parameters(data):
    grid = {"learning_rate": [1e-9, 1e-2], "module_kwargs": [{"hidden_layer_sizes": (8,)}]}
    search = GridSearchCV(quick(), grid, cv=3).fit(*data)
    assert search.best_params_["learning_rate"] == 1e-2
    assert next(search.best_estimator_.net_.module_.parameters()).shape[0] == 8


def test_unknown_device(data):
    with pytest.raises(ValueError, match="device is 'nonsense' and dtype 'float64'"):
        quick(device="nonsense").fit(*data)


def test_divergence_is_an_error(data):
    with pytest.raises(ValueError, match=r"Training diverged.*Lower learning_rate"):
        quick(learning_rate=1e300).fit(*data)


def test_divergence_is_an_error_under_early_stopping_too(data):
    with pytest.raises(ValueError, match="Training diverged"):
        quick(learning_rate=1e300, early_stopping=True).fit(*data)


def test_criterion_instances_are_refused(data):
    with pytest.raises(TypeError, match="criterion is an instance of VarianceLoss; expected its class"):
        quick(criterion=VarianceLoss()).fit(*data)


def test_output_weight_of_another_length(data):
    with pytest.raises(ValueError, match="output_weight has 3 rows for 1 outputs"):
        quick(output_weight=[1.0, 2.0, 3.0]).fit(*data)


def test_predicts_where_the_module_is(data):
    """After unpickling on another machine `device` may name what is not there."""
    model = quick().fit(*data)
    expected = model.predict(data[0])
    model.device = "cuda:77"
    np.testing.assert_array_equal(model.predict(data[0]), expected)


def test_module_that_knows_float32_only(data):
    class Single(Linear):
        def forward(self, X):
            return super().forward(X.float())

    model = quick(module=Single, dtype="float32").fit(*data)
    assert np.isfinite(model.predict(data[0])).all()


def test_loss_class_can_be_the_criterion(data):
    model = quick(criterion=VarianceLoss, learning_rate=0.02).fit(*data)
    assert model.scale_ == 1
    assert model.score(*data) > 0.8


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu(data):
    for dtype in ("float64", "float32"):
        model = quick(device="cuda", dtype=dtype, max_epochs=60, learning_rate=3e-3)
        assert residual_variance(model, *data) < 0.1 * np.var(data[1])
        assert isinstance(model.predict(data[0]), np.ndarray)
        state = torch.cuda.get_rng_state()
        model.fit(*data)
        assert torch.equal(torch.cuda.get_rng_state(), state)


# A fit that fails, or is stopped, changes nothing


class Failing(Linear):
    """Fails when it is called so often."""

    def __init__(self, n_features, calls, error):
        super().__init__(n_features)
        self.calls, self.error = calls, error

    def forward(self, X):
        self.calls -= 1
        if not self.calls:
            raise self.error
        return super().forward(X)


def failing(calls, error=KeyboardInterrupt):
    return {"module": Failing, "module_kwargs": {"calls": calls, "error": error}}


class Stopped(torch.optim.AdamW):
    """Somebody presses Ctrl-C in the seventh step."""

    steps = 0

    def step(self, closure=None):
        self.steps += 1
        if self.steps == 7:
            signal.raise_signal(signal.SIGINT)
        return super().step(closure)


class PerRow(nn.Module):
    def forward(self, prediction, target):
        return (prediction - target).abs()


class Torn(Linear):
    """Three outputs where y has one."""

    def forward(self, X):
        return super().forward(X).repeat(1, 3)


def broken_optimizer(parameters, lr, weight_decay):
    raise RuntimeError("no such optimizer")


ANOTHER = np.random.default_rng(1).normal(size=(300, 4))
FAILURES = {
    "divergence": ({"learning_rate": 1e300}, {}, ValueError),
    "divergence while watched": ({"learning_rate": 1e300, "early_stopping": True}, {}, ValueError),
    "Ctrl-C in an epoch": ({"optimizer": Stopped}, {}, KeyboardInterrupt),
    "Ctrl-C while watched": ({"optimizer": Stopped, "early_stopping": True}, {}, KeyboardInterrupt),
    "Ctrl-C in the first batch": (failing(1), {}, KeyboardInterrupt),
    "Ctrl-C while re-centering": (failing(31), {}, KeyboardInterrupt),
    "error in the last epoch": (failing(30, RuntimeError("lost")), {}, RuntimeError),
    "wrong shape": ({"module": Torn}, {}, ValueError),
    "loss of rows": ({"criterion": PerRow}, {}, RuntimeError),
    "no optimizer": ({"optimizer": broken_optimizer}, {}, RuntimeError),
    "no such module": ({"module": failing}, {}, TypeError),
    "other weights": ({"weights": {"nothing": torch.zeros(1)}}, {}, ValueError),
    "missing device": ({"device": "nonsense"}, {}, ValueError),
    "bad parameter": ({"batch_size": -1}, {}, ValueError),
    "bad output weight": ({"output_weight": [1.0, 2.0]}, {}, ValueError),
    "negative weight": ({}, {"sample_weight": np.full(300, -1.0)}, ValueError),
    "short weight": ({}, {"sample_weight": np.ones(7)}, ValueError),
    "one weight": ({}, {"sample_weight": np.eye(300)[0]}, ValueError),
    "missing labels": ({}, {"y": np.full(300, np.nan)}, ValueError),
    "missing features": ({}, {"X": np.full((300, 4), np.nan)}, ValueError),
    "too few to watch": (
        {"early_stopping": True},
        {"X": np.ones((3, 2)), "y": np.arange(3.0)},
        ValueError,
    ),
    "another width": ({"learning_rate": 1e300}, {"X": ANOTHER[:, :2]}, ValueError),
    "another number of outputs": ({"learning_rate": 1e300}, {"y": ANOTHER[:, :2]}, ValueError),
}


def fitted_state(model):
    return {
        name: value for name, value in vars(model).items() if name not in model.get_params(deep=False)
    }


def assert_unchanged(model, before, X, predictions):
    after = fitted_state(model)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    if predictions is None:
        with pytest.raises(NotFittedError):
            model.predict(X)
    else:
        np.testing.assert_array_equal(model.predict(X), predictions)


@pytest.fixture
def frame(data):
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(data[0], columns=["a", "b", "c", "d"])


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_fit_that_fails_changes_nothing(failure, fitted, data, frame):
    parameters, arguments, error = FAILURES[failure]
    model = quick(max_epochs=6)
    if fitted:
        model.fit(frame, data[1])
    before, predictions = fitted_state(model), model.predict(frame) if fitted else None
    own = model.get_params(deep=False)
    with pytest.raises(error):
        model.set_params(**parameters).fit(**{"X": data[0], "y": data[1]} | arguments)
    assert_unchanged(model.set_params(**own), before, frame, predictions)
    # And the next one succeeds.
    expected = clone(model).fit(*data).predict(data[0])
    np.testing.assert_array_equal(model.fit(*data).predict(data[0]), expected)
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        (failing(1), KeyboardInterrupt),
        (failing(1, RuntimeError("lost")), RuntimeError),
        ({"module": Torn}, ValueError),
        ({"device": "nonsense"}, ValueError),
        ({"optimizer": broken_optimizer}, RuntimeError),
        ({"weights": {"nothing": torch.zeros(1)}}, ValueError),
    ],
    ids=["Ctrl-C", "error", "shape", "device", "optimizer", "weights"],
)
def test_an_initialization_that_fails_changes_nothing(parameters, error, fitted, data, frame):
    model = quick(max_epochs=2)
    if fitted:
        model.fit(frame, data[1])
    before, predictions = fitted_state(model), model.predict(frame) if fitted else None
    with pytest.raises(error):
        model.set_params(**parameters).initialize(data[0][:, :2])
    assert_unchanged(model, before, frame, predictions)


def test_an_initialization_forgets_what_training_left(data, frame):
    model = quick(max_epochs=2).fit(frame, data[1]).initialize(data[0][:, :2])
    assert (model.n_epochs_, model.n_features_in_, model.scale_) == (0, 2, 1.0)
    assert not hasattr(model, "residual_variance_")
    assert not hasattr(model, "feature_names_in_")
    assert model.predict(data[0][:, :2]).shape == (300,)


def test_columns_are_noted_by_a_fit_that_succeeds(data, frame):
    model = quick(max_epochs=2).fit(frame, data[1])
    assert list(model.feature_names_in_) == ["a", "b", "c", "d"]
    other = frame[["a", "b"]].rename(columns={"a": "e"})
    model.fit(other, data[1])
    assert (list(model.feature_names_in_), model.n_features_in_) == (["e", "b"], 2)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_history_has_the_residual_variance_of_each_epoch_in_units_of_y(early_stopping):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = 50 * (X @ [1.0, 2.0, 0.0] + 0.1 * rng.normal(size=400)) + 1_000
    model = VarianceRegressor(max_epochs=40, early_stopping=early_stopping, random_state=0).fit(X, y)
    history = model.history_
    names = ["epoch", "training_loss", "training_variance"]
    assert list(history) == names + ["validation_loss", "validation_variance"] * early_stopping
    assert {len(values) for values in history.values()} == {model.n_epochs_}
    first, last = history["training_variance"][[0, -1]]
    assert first > 0.5 * y.var() > 10 * last
    assert np.allclose(history["training_variance"], model.scale_**2 * history["training_loss"])
    assert model.residual_variance_ / 4 < last < 4 * model.residual_variance_


def test_history_of_a_loss_that_is_no_variance_is_the_loss_alone_and_is_empty_before_training():
    X = np.random.default_rng(0).normal(size=(60, 2))
    model = VarianceRegressor(criterion="mse", max_epochs=3, random_state=0).fit(X, X[:, 0])
    assert list(model.history_) == ["epoch", "training_loss"]
    started = VarianceRegressor(random_state=0).initialize(X, X[:, 0])
    assert all(len(values) == 0 for values in started.history_.values())
