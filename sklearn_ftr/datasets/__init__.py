"""Real human ratings, fetched once, checked and cached; the package ships none of them."""

from sklearn_ftr.datasets._vader import fetch_vader_tweets, load_vader_lexicon

__all__ = ["fetch_vader_tweets", "load_vader_lexicon"]
