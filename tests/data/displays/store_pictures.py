"""Make the stored pictures of this folder anew, by the tests that compare with them; then look at them.

`python tests/data/displays/store_pictures.py`, or with names of tests behind it.
"""

import os
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]


def main(names):
    os.environ["SKLEARN_FTR_STORE_PICTURES"] = "1"
    files = names or sorted(str(path) for path in TESTS.glob("test_*display*.py"))
    return pytest.main(["-q", "-p", "no:cacheprovider", *files])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
