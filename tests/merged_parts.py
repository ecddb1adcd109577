"""Moments of parts of a pool, brought together in every way that users have."""

import json
import pickle

WAYS = ["update", "merge", "pickle", "json"]


def merged(kind, parts, way):
    """Moments of all rows of parts, each of which is the arguments of `kind` and columns that say how rows were drawn."""
    found = kind()
    for rows, columns in parts:
        if way == "update":
            found.update(*rows, **columns)
            continue
        seen = kind(*rows, **columns)
        if way == "pickle":
            seen = pickle.loads(pickle.dumps(seen))
        elif way == "json":
            seen = kind.from_dict(json.loads(json.dumps(seen.to_dict())))
        found.merge(seen).merge(kind())
    return found
