"""
A first interval: what share of the pictures?
=============================================

What share of 1,797 handwritten digits is even? A person looks at 150 of them. A classifier that has learned from these
150 looks at all. Neither is enough: 150 answers are few, and a classifier errs.
"""

# %%
# ``NaN`` in ``y`` marks the pictures that nobody has looked at. Any scikit-learn classifier will do; with ``cv=5`` each
# answer trains four of five classifiers and corrects the fifth. ``finite_population=True`` asks about exactly these pictures.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ftr import RectifiedMeanEstimator

X, digit = load_digits(return_X_y=True)
even = (digit % 2 == 0).astype(float)
classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500))


def look_at(n, seed):
    """The answers for n pictures, NaN for all others."""
    y = np.full(len(even), np.nan)
    seen = np.random.default_rng(seed).permutation(len(even))[:n]
    y[seen] = even[seen]
    return y


def rectified(seed):
    model = RectifiedMeanEstimator(classifier, cv=5, finite_population=True, random_state=seed)
    return model.fit(X, look_at(150, seed)).result_


print(rectified(seed=0))

# %%
# *Rectified* is the answer. *Labels only* is what the 150 answers say by themselves. *Predictions only* is the mean
# prediction: its interval is short since it counts every picture, and it does not know of the classifier's errors.
#
# Eighty people, 150 pictures each
# --------------------------------
# The same with other pictures in each draw. All digits are known here, so that it can be seen who is right.

results = [rectified(seed) for seed in range(80)]
truth = even.mean()


def interval(estimate):
    low, high = estimate.confidence_interval()
    return float(low), float(high)


rows = {
    "labels only": [interval(result.labels_only) for result in results],
    "predictions only": [interval(result.predictions_only) for result in results],
    "rectified": [interval(result) for result in results],
}
figure, axes = plt.subplots(1, 3, sharex=True, sharey=True, figsize=(8.4, 4.6))
for axis, (name, intervals) in zip(axes, rows.items(), strict=True):
    low, high = np.array(intervals).T
    misses = (low > truth) | (high < truth)
    for missed, colour in ((False, "#0072B2"), (True, "#D55E00")):
        draw = np.flatnonzero(misses == missed)
        axis.hlines(draw, low[draw], high[draw], color=colour, linewidth=1.8)
    axis.axvline(truth, color="black", linewidth=1)
    axis.set(
        title=f"{name}\n{misses.sum()} of 80 miss, width {np.mean(high - low):.3f}",
        xlabel="share of even digits",
    )
axes[0].set(ylabel="draw", yticks=[])
plt.show()

# %%
# Of eighty 95 % intervals about four should miss (orange). Those of labels alone are honest and wide. Those of predictions
# alone are the shortest and miss far too often. Rectified ones are honest and short.
