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

from sklearn_ftr import FineTuneRectifyAllocator, PlanDisplay, ScalingLawDisplay

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

ScalingLawDisplay.from_estimator(allocator).plot()
plt.show()

# %%
# Every split
# -----------
# From the law follows the standard error of every split, here of those whose training labels are recycled, which is the
# default. Where it is within 5 % of the best split's is shaded: a split ratio need not be exact.

PlanDisplay.from_estimator(allocator).plot()
plt.show()

# %%
# Cross-fitting has no such choice to make: every label trains some models and corrects another, for the price of
# several trainings. Where training is cheap it wins, as here:

print(allocator.verdict_)
