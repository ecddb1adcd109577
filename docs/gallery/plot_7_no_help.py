"""
When predictions are worth nothing
==================================

Ten people rated each of 7,500 words from -4 (most negative) to 4. Can the letters of a word tell how friendly it is?
Hardly, and the package says so, before you pay for anything.
"""

# %%
# The ratings come with the package ``vaderSentiment``. Suppose that 300 words have been rated.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sklearn_ftr import FineTuneRectifyAllocator, RectifiedMeanEstimator, ScalingLawDisplay
from sklearn_ftr.datasets import load_vader_lexicon

words, ratings = load_vader_lexicon(return_X_y=True)
y = np.full(len(words), np.nan)
rated = np.random.default_rng(0).permutation(len(words))[:300]
y[rated] = ratings[rated]

letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3), sublinear_tf=True)
model = RectifiedMeanEstimator(make_pipeline(letters, Ridge(alpha=1.0)))
allocator = FineTuneRectifyAllocator(model, random_state=0).fit(words, y)
print(allocator.verdict_)
print(allocator.result_.verdict())

# %%
# Errors of the predictor, as more words train it, stay near the variance of the ratings themselves. A law that hardly
# falls promises nothing, and nothing is what the plan makes of it: labels for an interval, with and without predictions.

ScalingLawDisplay.from_estimator(allocator).plot()
plt.show()

print(allocator.required_labels(half_width=0.1))

# %%
# A judge that understands words would do better: a language model, for example. Its predictions need no training
# (:ref:`sphx_glr_auto_gallery_plot_3_judge.py`).
