"""Stage 1, fine-tuning: learn a predictor f whose errors have the smallest variance.

The only folder that imports torch and skorch; its names load when they are first used.
"""

from sklearn_ftr.finetuning._text_embedder import TextEmbedder
from sklearn_ftr.finetuning._text_variance_regressor import TextVarianceRegressor
from sklearn_ftr.finetuning._variance_loss import VarianceLoss
from sklearn_ftr.finetuning._variance_regressor import VarianceRegressor
from sklearn_ftr.finetuning._vector_store import EmbeddingCacheWarning

__all__ = [
    "EmbeddingCacheWarning",
    "TextEmbedder",
    "TextVarianceRegressor",
    "VarianceLoss",
    "VarianceRegressor",
]
