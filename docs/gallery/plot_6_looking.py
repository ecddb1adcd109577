"""
Looking again and again
=======================

Labels come in, somebody looks at the interval, and stops when it is narrow enough, or when it leaves out zero. An
ordinary 95 % interval that is looked at thirty times is wrong at least once much more often than in 5 % of studies. A
confidence sequence is made for that.
"""

# %%
# A made population of ratings whose mean is known. Everybody has the predictions of a judge; people rate 40 answers, then
# 20 more, and so on up to 600.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_ftr import SequenceDisplay, rectify_mean

looks = np.arange(60, 601, 20)
truth = 3.0


def results_of(seed):
    """The result of each look of a study."""
    rng = np.random.default_rng(seed)
    human = truth + rng.normal(size=3_000)
    judge = human + 0.4 + rng.normal(scale=0.7, size=3_000)
    return [rectify_mean(human[:n], judge[:n], judge[n:]) for n in looks]


def is_wrong(interval):
    return not interval[0] <= truth <= interval[1]


studies = [results_of(seed) for seed in range(100)]
wrong = {
    "95 % interval": [[is_wrong(look.confidence_interval()) for look in study] for study in studies],
    "confidence sequence": [
        [is_wrong(look.confidence_sequence(n_first=60)) for look in study] for study in studies
    ],
}

# %%
# One study whose ordinary interval (thick) leaves out the truth at some look; the sequence (thin) does not.

unlucky = next(i for i in range(100) if any(wrong["95 % interval"][i]))
SequenceDisplay.from_results(studies[unlucky]).plot(reference=truth)
plt.show()

# %%
# All hundred: the share of studies that have been wrong at one of the looks so far.

figure, axis = plt.subplots()
for style, (name, misses) in zip(("-", "--"), wrong.items(), strict=True):
    ever = np.logical_or.accumulate(misses, axis=1).mean(axis=0)
    axis.plot(looks, 100 * ever, style, label=name)
axis.axhline(5, color="black", linewidth=1, label="promised")
axis.set(xlabel="labels", ylabel="studies that were wrong so far, %", ylim=(0, None))
axis.legend(loc="center right")
plt.show()

# %%
# The sequence is about one and a half times as wide. That is the price of stopping when you like. With 100 studies a share
# near 5 % is known to about 2 points.
