import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_ftr import VarianceLoss


def tensors(rng, *shape):
    return torch.from_numpy(rng.normal(size=shape)), torch.from_numpy(rng.normal(size=shape))


def test_is_the_sample_variance_of_the_errors(rng):
    prediction, target = tensors(rng, 30)
    expected = (target - prediction).numpy().var(ddof=1)
    assert VarianceLoss()(prediction, target).item() == pytest.approx(expected)
    assert VarianceLoss(correction=0)(prediction, target).item() == pytest.approx(expected * 29 / 30)


def test_gradient_is_that_of_the_variance(rng):
    prediction, target = tensors(rng, 8)
    prediction.requires_grad_()
    assert torch.autograd.gradcheck(VarianceLoss(), (prediction, target))
    VarianceLoss()(prediction, target).backward()
    errors = (target - prediction).detach()
    assert torch.allclose(prediction.grad, -2 * (errors - errors.mean()) / 7)


def test_mini_batches_are_unbiased(rng):
    """The mean of the losses of all pairs is the variance of the whole."""
    prediction, target = tensors(rng, 12)
    pairs = [
        VarianceLoss()(prediction[[i, j]], target[[i, j]]).item() for i in range(12) for j in range(i)
    ]
    assert np.mean(pairs) == pytest.approx(VarianceLoss()(prediction, target).item())


def test_several_outputs(rng):
    prediction, target = tensors(rng, 40, 3)
    C = np.cov((target - prediction).numpy().T)
    w, M = np.array([0.2, -1.0, 2.0]), np.cov(rng.normal(size=(3, 20)))
    for weight, expected in [
        (None, np.trace(C)),
        (w, w @ C @ w),
        (M, np.trace(M @ C)),
        (np.diag([1.0, 0.0, 3.0]), C[0, 0] + 3 * C[2, 2]),
    ]:
        assert VarianceLoss(weight)(prediction, target).item() == pytest.approx(expected)


def test_float32_with_an_output_weight(rng):
    prediction, target = (t.float() for t in tensors(rng, 10, 2))
    assert VarianceLoss([1.0, 2.0])(prediction, target).dtype == torch.float32


@pytest.mark.parametrize(
    "weight", [np.ones((2, 3)), [[0.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, -1.0]]]
)
def test_bad_output_weight(weight):
    with pytest.raises(ValueError, match="symmetric positive semidefinite"):
        VarianceLoss(weight)


def test_weighted_variance_is_numpys(rng):
    prediction, target = tensors(rng, 25)
    weight = torch.from_numpy(rng.random(25))
    expected = np.cov((target - prediction).numpy(), aweights=weight.numpy())
    assert VarianceLoss()(prediction, target, weight).item() == pytest.approx(float(expected))
    assert VarianceLoss()(prediction, target, 7 * weight).item() == pytest.approx(float(expected))


def test_without_correction_weights_are_repetitions(rng):
    prediction, target = tensors(rng, 6)
    times = torch.tensor([1, 3, 0, 2, 1, 1])
    repeated = VarianceLoss(correction=0)(
        prediction.repeat_interleave(times), target.repeat_interleave(times)
    )
    weighted = VarianceLoss(correction=0)(prediction, target, times.double())
    assert weighted.item() == pytest.approx(repeated.item())


def test_weighted_mini_batches_are_unbiased(rng):
    """Over all pairs of rows, times the squared mean weight: the whole set's weighted variance."""
    prediction, target = tensors(rng, 9)
    weight = torch.from_numpy(rng.random(9) ** 3)
    weight /= weight.mean()
    loss = VarianceLoss(correction=0)
    pairs = [
        loss(prediction[rows], target[rows], weight[rows]) * weight[rows].mean() ** loss.weight_degree
        for rows in ([i, j] for i in range(9) for j in range(i))
    ]
    whole = loss(prediction, target, weight)
    assert np.mean(pairs) * 2 == pytest.approx(whole.item() * 9 / 8)  # B / (B - 1) on either side


def test_equal_weights_change_nothing(rng):
    prediction, target = tensors(rng, 9)
    weighted = VarianceLoss()(prediction, target, torch.full((9,), 0.3, dtype=torch.float64))
    assert weighted.item() == pytest.approx(VarianceLoss()(prediction, target).item())


def test_the_minimum_of_the_profiled_form_is_the_variance(rng):
    prediction, target = tensors(rng, 50, 2)
    loss = VarianceLoss(profiled=True, n_outputs=2).double()
    optimizer = torch.optim.LBFGS(loss.parameters(), line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        value = loss(prediction, target)
        value.backward()
        return value

    optimizer.step(step)
    errors = target - prediction
    assert loss(prediction, target).item() == pytest.approx(
        errors.var(dim=0, correction=0).sum().item()
    )
    assert torch.allclose(loss.center, errors.mean(dim=0))


def test_profiled_gradients_add_up_over_batches_of_one(rng):
    """What the unprofiled variance cannot do: accumulate one row at a time."""
    prediction, target = tensors(rng, 7)
    prediction.requires_grad_()
    loss = VarianceLoss(profiled=True).double()
    (whole,) = torch.autograd.grad(loss(prediction, target), prediction)
    for i in range(7):
        (loss(prediction[i : i + 1], target[i : i + 1]) / 7).backward()
    assert torch.allclose(prediction.grad, whole)


def test_profiled_with_weights(rng):
    prediction, target = tensors(rng, 5)
    weight = torch.tensor([1.0, 2, 0, 1, 1]).double()
    loss = VarianceLoss(profiled=True).double()
    expected = (weight * (target - prediction) ** 2).sum() / weight.sum()
    assert loss(prediction, target, weight).item() == pytest.approx(expected.item())


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 1\) and target has shape \(4,\)"):
        VarianceLoss()(torch.zeros(4, 1), torch.zeros(4))


@pytest.mark.parametrize(
    ("rows", "weight"), [(1, None), (3, [0.0, 5.0, 0.0])], ids=["one row", "one row of positive weight"]
)
def test_one_row_has_no_variance(rows, weight):
    weight = None if weight is None else torch.tensor(weight)
    with pytest.raises(ValueError, match=r"1 row has no variance.*profiled=True"):
        VarianceLoss()(torch.zeros(rows), torch.zeros(rows), weight)


@pytest.mark.parametrize("weight", [[0.0, 0.0], [-1.0, 2.0]])
def test_weights_without_meaning(weight):
    with pytest.raises(ValueError, match="must not be negative, nor zero for all"):
        VarianceLoss()(torch.zeros(2), torch.ones(2), torch.tensor(weight))


def test_empty_batch():
    with pytest.raises(ValueError, match="batch is empty"):
        VarianceLoss()(torch.zeros(0), torch.zeros(0))


def test_profiled_outputs_have_a_center_each():
    with pytest.raises(ValueError, match="3 outputs and this loss n_outputs=1"):
        VarianceLoss(profiled=True)(torch.zeros(4, 3), torch.zeros(4, 3))


def test_output_weight_with_nan():
    with pytest.raises(ValueError, match="finite numbers"):
        VarianceLoss([1.0, float("nan")])


def test_bad_sample_weight():
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3, 1\)"):
        VarianceLoss()(torch.zeros(3), torch.zeros(3), torch.ones(3, 1))


@settings(max_examples=50, deadline=None)
@given(
    errors=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20),
    bias=st.floats(-1e3, 1e3),
)
def test_bias_does_not_count(errors, bias):
    target = torch.tensor(errors, dtype=torch.float64)
    one = VarianceLoss()(torch.zeros_like(target), target).item()
    assert VarianceLoss()(torch.full_like(target, bias), target).item() == pytest.approx(one, abs=1e-6)
