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
# One question has one answer for each digit; ``simultaneous=True`` asks for intervals that hold together. Black bars are
# the truth, which is known here.

axis = result.plot(simultaneous=True).ax_
axis.plot(is_digit.mean(axis=0), range(10), "|", color="black", markersize=20)
axis.set(ylabel="digit", xlabel="share")
plt.show()

# %%
# The classifier finds too few sevens and eights; rectified shares know better. Is there any digit that is not a tenth?
# One test for all ten:

print(result.select(*range(9)).wald_test(null=0.1))
