"""`python -m sklearn_ftr`: the demo on real ratings, or the answer for a file of your own."""

import sys

from sklearn_ftr.demo import main

if __name__ == "__main__":
    sys.exit(main())
