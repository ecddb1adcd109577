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

from sklearn_ftr import CalibrationDisplay, rectify_mean

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
# Means of what was found, in bins of what the judge says. Points below the diagonal are false alarms; beneath, how often
# the judge says so to those that nobody has checked.

CalibrationDisplay.from_predictions(
    malignant[checked], judge[checked], judge[~checked], n_bins=6
).plot()
plt.show()

# %%
# The three answers
# -----------------
# The dashed line is the truth, which is known here.

result.plot(reference=malignant.mean())
plt.show()

# %%
# The judge's mean is far off, and its bias costs nothing: what it says of the checked tumours is compared with what was
# found, and the difference is taken off. What counts is how well it *orders* tumours.

print(result.verdict())
