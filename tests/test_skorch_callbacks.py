"""Callbacks of skorch, while our loop trains."""

import os
import signal

import numpy as np
import pytest
from sklearn.base import clone

pytest.importorskip("skorch")
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    GradientNormClipping,
    LRScheduler,
)

from sklearn_ftr import RectifiedMeanEstimator, VarianceRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
Y = 10 * X[:, 0] + rng.normal(size=200)


def trained(*callbacks, **parameters):
    settings = {"max_epochs": 12, "batch_size": 32, "random_state": 0} | parameters
    return VarianceRegressor(callbacks=list(callbacks), **settings).fit(X, Y)


class Notes(Callback):
    """What is called, in its order, and with what."""

    told: list = []  # noqa: RUF012 - copies of an instance note into one list

    def on_train_begin(self, net, X, y, **kwargs):
        self.told.append("train begin")

    def on_train_end(self, net, X, y, **kwargs):
        self.told.append("train end")

    def on_epoch_begin(self, net, dataset_train, dataset_valid, **kwargs):
        self.told.append("epoch begin")

    def on_epoch_end(self, net, dataset_train, dataset_valid, **kwargs):
        self.told.append("epoch end")

    def on_batch_begin(self, net, batch, training, **kwargs):
        self.told.append(f"begin {len(batch[1])} {training}")

    def on_batch_end(self, net, batch, training, loss, y_pred, **kwargs):
        assert y_pred.shape == batch[1].shape
        assert float(net.history[-1, "batches", -1, "train_loss" if training else "valid_loss"]) == loss
        self.told.append(f"end {len(batch[1])} {training}")


@pytest.mark.parametrize("accumulate", [1, 2])
def test_all_that_skorch_calls_is_called_in_its_order(accumulate):
    Notes.told.clear()
    settings = {"early_stopping": True, "accumulate_batches": accumulate, "batch_size": 45}
    trained(Notes, max_epochs=1, **settings)
    batches = 4 * ["begin 45 True", "end 45 True"]
    whole = ["begin 20 False", "end 20 False"]
    expected = ["train begin", "epoch begin", *batches, *whole, "epoch end", "train end"]
    assert Notes.told == expected


def test_callbacks_that_look_on_change_nothing():
    plain = VarianceRegressor(max_epochs=12, batch_size=32, random_state=0).fit(X, Y)
    seen = trained(Notes(), EpochTimer())
    np.testing.assert_array_equal(seen.predict(X), plain.predict(X))
    assert list(seen.history_)[:3] == list(plain.history_)


def test_early_stopping_of_skorch():
    stopped = trained(EarlyStopping(monitor="train_loss", patience=3, threshold=10.0), max_epochs=50)
    assert stopped.n_epochs_ == 4
    assert len(stopped.history_["epoch"]) == 4


def test_the_best_weights_come_back():
    """By a measure of which the first epoch is the best."""
    stopping = EarlyStopping("train_loss", patience=4, lower_is_better=False, load_best=True)
    stopped, first = trained(stopping), trained(max_epochs=1)
    assert stopped.n_epochs_ == 5
    np.testing.assert_allclose(stopped.predict(X), first.predict(X))


def test_scores_of_epochs_are_in_the_history():
    model = trained(
        EpochScoring("r2", lower_is_better=False),
        EpochScoring("neg_mean_squared_error", on_train=True, name="squares", lower_is_better=False),
        BatchScoring("r2", name="of_batches", lower_is_better=False),
        early_stopping=True,
    )
    history = model.history_
    assert {"r2", "squares", "of_batches", "r2_best"} <= set(history)
    assert all(len(values) == model.n_epochs_ for values in history.values())
    # One validation batch: the mean over batches is that of the whole set.
    np.testing.assert_allclose(history["r2"], history["of_batches"])
    assert history["r2"][-1] > history["r2"][0]


def test_explained_variance_is_that_of_the_predictions():
    """Neither the shift nor the scale of what is re-centered later matters to it."""
    score = EpochScoring("explained_variance", lower_is_better=False)
    model = trained(score, early_stopping=True, patience=100)
    history = model.history_
    loss, shares = history["validation_loss"], history["explained_variance"]
    np.testing.assert_allclose(shares, 1 - loss * (1 - shares[0]) / loss[0])


def test_scores_are_those_of_the_network():
    """The last epoch's, of the held-out rows, in standardized units."""
    model = trained(EpochScoring("neg_mean_squared_error", name="s", on_train=True), max_epochs=1)
    assert -3 < model.history_["s"][0] < 0


def test_a_schedule_of_learning_rates():
    model = trained(LRScheduler(policy="StepLR", step_size=4, gamma=0.1), max_epochs=9)
    rates = model.history_["event_lr"]
    np.testing.assert_allclose(rates, [1e-3] * 4 + [1e-4] * 4 + [1e-5])


@pytest.mark.parametrize("monitor", ["train_loss_best", "valid_loss_best"])
def test_checkpoints(tmp_path, monitor):
    model = trained(Checkpoint(dirname=tmp_path, monitor=monitor), early_stopping=True)
    assert "params.pt" in os.listdir(tmp_path)
    losses = model.history_["training_loss" if monitor[0] == "t" else "validation_loss"]
    best = losses <= np.minimum.accumulate(losses)
    np.testing.assert_array_equal(model.history_["event_cp"], best)


def test_gradients_are_cut():
    clipped = trained(GradientNormClipping(1e-9), optimizer=sgd)
    free = trained(optimizer=sgd)
    first = VarianceRegressor(max_epochs=12, batch_size=32, random_state=0).initialize(X, Y)
    start = first.net_.module_.state_dict()

    def moved(model):
        now = model.net_.module_.state_dict()
        return max(float((now[name] - start[name]).abs().max()) for name in start)

    assert moved(clipped) < 1e-6 < moved(free)


def sgd(parameters, lr, weight_decay):
    import torch

    return torch.optim.SGD(parameters, lr=lr)


class CtrlC(Callback):
    """A user's, while a callback is at work."""

    def on_epoch_end(self, net, **kwargs):
        signal.raise_signal(signal.SIGINT)


class Stops(Callback):
    """After two epochs."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def test_ctrl_c_is_no_early_stopping():
    model = VarianceRegressor(callbacks=[CtrlC], random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert not hasattr(model, "net_")
    assert trained(Stops).n_epochs_ == 2


def test_what_ends_a_training_may_come_before_what_records():
    seconds = trained(Stops, EpochTimer).history_["dur"]
    np.testing.assert_array_equal(np.isnan(seconds), [False, True])


def test_the_ones_given_are_not_touched_and_clones_have_their_own():
    stopping = EarlyStopping(monitor="train_loss", patience=3)
    before = dict(vars(stopping))
    model = VarianceRegressor(callbacks=[("stop", stopping)], max_epochs=2, random_state=0)
    assert clone(model).callbacks[0][1].patience == 3
    model.fit(X, Y)
    assert vars(stopping) == before
    again = model.predict(X)
    np.testing.assert_array_equal(model.fit(X, Y).predict(X), again)


def test_within_a_rectified_estimator():
    y = np.where(np.arange(200) < 100, Y, np.nan)
    network = VarianceRegressor(callbacks=[EpochTimer()], max_epochs=3)
    model = RectifiedMeanEstimator(network, cv=2, random_state=0).fit(X, y)
    assert ["dur" in one.history_ for one in model.estimators_] == [True, True]


@pytest.mark.parametrize("wrong", [[3], ["EarlyStopping"], [(1, EpochTimer())], [int]])
def test_what_is_no_callback_is_refused(wrong):
    with pytest.raises(TypeError, match="expected callbacks of skorch"):
        VarianceRegressor(callbacks=wrong).fit(X, Y)


def test_equal_names_get_numbers():
    model = trained(EpochScoring("r2", name="a"), EpochScoring("r2", name="b"), early_stopping=True)
    np.testing.assert_array_equal(model.history_["a"], model.history_["b"])
