"""
The best split: how many labels should train?
=============================================

Each label can do one of two things: train the predictor, or correct it. Training first pays much, then less and less.
Correcting needs many labels, always. So there is a best split, and it can be found with the labels at hand.
"""

# %%
# Patients' progress within a year, for 442 patients of scikit-learn's diabetes data, is known for 180 of them.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from sklearn_ftr import FineTuneRectifyAllocator

X, progress = load_diabetes(return_X_y=True)
y = progress.copy()
y[np.random.default_rng(0).permutation(len(y))[180:]] = np.nan
allocator = FineTuneRectifyAllocator(random_state=0).fit(X, y)
print(allocator.plan_)

# %%
# What was measured, and the law
# ------------------------------
# The allocator trains on growing parts of the labels and looks at the errors on the others. A law goes through these
# points; the band holds 95 % of the laws that fit resampled points.
#
# From the law follows the standard error of every split: of the plain one of the paper, and of one whose training
# labels are recycled, which is the default.

curve, fitted = allocator.learning_curve_, allocator.law_fit_
n, m = allocator.n_labeled_, allocator.n_unlabeled_
sizes = np.arange(8, n - 8)
total = np.nanvar(y, ddof=1)
residual = np.minimum(fitted.law.predict(sizes), total)
plain = residual / (n - sizes) + (total - residual) / m
recycled = 1 / (1 / plain + sizes / total)

figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 4.2))
low, high = fitted.band(sizes)
left.fill_between(sizes, low, high, alpha=0.2)
left.plot(sizes, fitted.law.predict(sizes), label="law")
left.errorbar(
    curve.sizes,
    curve.variances,
    yerr=2 * curve.standard_errors,
    fmt="o",
    color="black",
    markersize=5,
    capsize=3,
    label="measured, 2 standard errors",
)
left.axhline(total, color="grey", linestyle="--", linewidth=1)
left.annotate(
    "variance of the labels",
    (n - 8, total),
    (0, 4),
    textcoords="offset points",
    ha="right",
    color="dimgrey",
)
left.set(xlabel="labels that train", ylabel="variance of the errors", ylim=(0, 1.6 * total))
left.legend(loc="lower left")

for values, name in ((plain, "split"), (recycled, "split, recycled")):
    (line,) = right.plot(sizes, np.sqrt(values), label=name)
    best = values.argmin()
    right.plot(sizes[best], values[best] ** 0.5, "o", color=line.get_color(), markersize=8)
right.axhline(np.sqrt(total / n), color="grey", linestyle="--", linewidth=1, label="labels only")
right.axhline(allocator.standard_error_, color="#009E73", label="reached by cross-fitting")
right.set(
    xlabel="labels that train",
    ylabel="standard error of the mean",
    ylim=(0.95 * allocator.standard_error_, None),
)
right.set_ylim(top=1.6 * np.sqrt(total / n))
right.legend(loc="upper left")
plt.show()

# %%
# Cross-fitting has no such choice to make: every label trains some models and corrects another, for the price of
# several trainings. Where training is cheap it wins, as here:

print(allocator.verdict_)
