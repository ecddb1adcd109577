"""
Ten numbers at once
===================

Ten systems, ten slices, ten classes: with ten 95 % intervals, one in three such tables holds at least one that is wrong.
Simultaneous intervals hold all together.
"""

# %%
# How often does each digit occur among 1,797 pictures? A classifier was trained elsewhere, on pictures that are no random
# sample (few sevens and eights), and so it is biased. A person has looked at 300 of the others.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from sklearn_ftr import rectify_mean

X, digit = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(X))
elsewhere, here = order[:300], order[300:]
elsewhere = elsewhere[(digit[elsewhere] < 7) | (digit[elsewhere] == 9) | (elsewhere % 5 == 0)]
classifier = LogisticRegression(C=0.001, max_iter=500).fit(X[elsewhere], digit[elsewhere])

is_digit = np.eye(10)[digit[here]]
says = classifier.predict_proba(X[here])
result = rectify_mean(is_digit[:300], says[:300], says[300:])

# %%
# One question has one answer for each digit; ``simultaneous=True`` asks for intervals that hold together.

low, high = result.confidence_interval()
low_all, high_all = result.confidence_interval(simultaneous=True)
alone_low, alone_high = result.labels_only.confidence_interval()
rows = np.arange(10)

figure, axis = plt.subplots(figsize=(7.2, 5))
axis.hlines(rows + 0.22, alone_low, alone_high, color="grey", linewidth=2, label="labels only")
axis.hlines(rows, low_all, high_all, color="C0", linewidth=1.5, label="rectified, all at once")
axis.hlines(rows, low, high, color="C0", linewidth=4.5, label="rectified, one by one")
axis.plot(result.estimate, rows, "o", color="white", markeredgecolor="C0", markersize=6)
axis.plot(result.predictions_only.estimate, rows - 0.22, "x", color="C1", label="predictions only")
axis.plot(is_digit.mean(axis=0), rows, "|", color="black", markersize=20, label="truth")
axis.set(yticks=rows, ylabel="digit", xlabel="share")
axis.invert_yaxis()
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
# The classifier finds too few sevens and eights; rectified shares know better. Is there any digit that is not a tenth?
# One test for all ten:

print(result.select(*range(9)).wald_test(null=0.1))
