"""Real human ratings, fetched once, checked and cached (the package ships none of them), and made ones."""

from sklearn_ftr.datasets._cache import CacheWarning, ChecksumError
from sklearn_ftr.datasets._emobank import fetch_emobank
from sklearn_ftr.datasets._population import make_ratings_population
from sklearn_ftr.datasets._vader import fetch_vader_amazon, fetch_vader_tweets, load_vader_lexicon
from sklearn_ftr.datasets._wine_reviews import fetch_wine_reviews

__all__ = [
    "CacheWarning",
    "ChecksumError",
    "fetch_emobank",
    "fetch_vader_amazon",
    "fetch_vader_tweets",
    "fetch_wine_reviews",
    "load_vader_lexicon",
    "make_ratings_population",
]
