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

from sklearn_ftr import Costs, LabelBudgetDisplay, ScalingLaw

law = ScalingLaw(a=0.287, alpha=0.297, b=0.042)
prices = Costs(label=0.5, training=0.01)
print(law.required_labels(half_width=0.02, total_variance=0.1216, costs=prices))

# %%
# From 3 % of the scale to 1 %: labels alone beside the cheapest way to use predictions, with the range of labels in which
# the answer falls in 95 % of cases.

budget = LabelBudgetDisplay.from_law(
    law, np.linspace(0.01, 0.035, 11), total_variance=0.1216, costs=prices
)
budget.plot()
plt.show()

# %%
# The same in money:

budget.plot(unit="money")
plt.show()

# %%
# Half the width costs about four times as much, either way. What predictions save is a share of it, here

saved = 1 - budget.cost / budget.cost_labels_only
print(f"{saved.min():.0%} to {saved.max():.0%} of the money.")
