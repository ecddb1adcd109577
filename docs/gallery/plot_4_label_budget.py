"""
How many labels for how much money?
===================================

Before a study there are two questions: how narrow an interval can this budget buy, and what would a narrower one cost? A
scaling law answers both, one that was fitted to a pilot or one that others have published.
"""

# %%
# Wang, Ye and Zhao (2025) publish the law of a language model that learns the valence of sentences. Say a label costs 0.50
# and each row that trains a cent.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_ftr import Costs, ScalingLaw

law = ScalingLaw(a=0.287, alpha=0.297, b=0.042)
prices = Costs(label=0.5, training=0.01)
print(law.required_labels(half_width=0.02, total_variance=0.1216, costs=prices))

# %%
# From 3 % of the scale to 1 %: labels alone beside the cheapest way to use predictions, with the range of labels in which
# the answer falls in 95 % of cases.

widths = np.linspace(0.01, 0.035, 11)
plans = [law.required_labels(half_width=width, total_variance=0.1216, costs=prices) for width in widths]
labels = np.array([plan.n_labeled for plan in plans])
alone = np.array([plan.labels_only for plan in plans])
money = np.array([plan.option.cost for plan in plans])

figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 4.2))
left.fill_between(widths, [plan.low for plan in plans], [plan.high for plan in plans], alpha=0.2)
left.plot(widths, labels, "o-", label="with predictions")
left.plot(widths, alone, "s--", color="dimgrey", label="labels only")
left.set(xlabel="half-width of the interval", ylabel="labels", yscale="log")
left.set_yticks([300, 1_000, 3_000], ["300", "1,000", "3,000"])
left.minorticks_off()
left.legend()
right.plot(widths, money, "o-", label="with predictions")
right.plot(widths, prices.label * alone, "s--", color="dimgrey", label="labels only")
right.set(xlabel="half-width of the interval", ylabel="money", ylim=(0, None))
right.legend()
plt.show()

# %%
# Half the width costs about four times as much, either way. What predictions save is a share of it, here

saved = 1 - money / (prices.label * alone)
print(f"{saved.min():.0%} to {saved.max():.0%} of the money.")
