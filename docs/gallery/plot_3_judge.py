"""
A judge that is wrong on average
================================

No training at all: predictions are there already, from a language model that has judged every answer, or, as here, from
a rule of thumb that has looked at every patient. People, or pathologists, have checked a few.
"""

# %%
# Of 569 tumours we want the share that is malignant. The judge has seen one number of each, its mean radius, and calls
# for alarm too often. Pathologists have looked at 120.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer

from sklearn_ftr import rectify_mean

tumours = load_breast_cancer()
malignant = (tumours.target == 0).astype(float)
radius = tumours.data[:, 0]
judge = 1 / (1 + np.exp(-1.2 * (radius - 13)))
checked = np.isin(np.arange(569), np.random.default_rng(4).permutation(569)[:120])

result = rectify_mean(malignant[checked], judge[checked], judge[~checked], finite_population=True)
print(result)

# %%
# Where the judge is wrong
# ------------------------
# In bins of what the judge says: the share that pathologists found, with twice its standard error. Points below the
# diagonal are false alarms. Grey bars are how often the judge says so to those that nobody has checked.

edges = np.quantile(judge[checked], np.linspace(0, 1, 7))
bins = np.clip(np.searchsorted(edges, judge[checked], side="right") - 1, 0, 5)
says = np.array([judge[checked][bins == i].mean() for i in range(6)])
found = np.array([malignant[checked][bins == i].mean() for i in range(6)])
error = np.array([((found[i] * (1 - found[i]) + 0.02) / np.sum(bins == i)) ** 0.5 for i in range(6)])

figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 4))
left.hist(
    judge[~checked], bins=20, weights=np.full((~checked).sum(), 3 / (~checked).sum()), color="lightgrey"
)
left.plot([0, 1], [0, 1], color="black", linewidth=1)
left.errorbar(says, found, yerr=2 * error, fmt="o", capsize=3)
left.set(xlabel="what the judge says", ylabel="share that is malignant", xlim=(0, 1), ylim=(-0.1, 1.15))

estimates = {
    "labels only": result.labels_only,
    "predictions only": result.predictions_only,
    "rectified": result,
}
for row, estimate in enumerate(estimates.values()):
    low, high = estimate.confidence_interval()
    right.hlines(row, low, high, linewidth=3, color=f"C{row}")
    right.plot(estimate.estimate, row, "o", color=f"C{row}", markersize=8)
right.axvline(malignant.mean(), color="black", linewidth=1)
right.annotate("truth", (malignant.mean(), 2.35), (4, 0), textcoords="offset points")
right.set(yticks=range(3), yticklabels=estimates, ylim=(-0.6, 2.6), xlabel="share that is malignant")
plt.show()

# %%
# The judge's mean is far off, and its bias costs nothing: what it says of the checked tumours is compared with what was
# found, and the difference is taken off. What counts is how well it *orders* tumours.

print(result.verdict())
