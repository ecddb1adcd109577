"""The format in which sentence-transformers saves encoders: a list of modules that turn a text into one vector.

Only JSON is read here, before any weights, so that a folder that cannot be read is refused in plain words and code
that comes with it is never imported.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

_LIBRARY = "sentence_transformers."
# Modules whose vector of a text does not depend on the texts padded beside it.
_AFTER_THE_FIRST = (
    "Pooling",
    "Normalize",
    "Dense",
    "LayerNorm",
    "Dropout",
    "WeightedLayerPooling",
    "WordWeights",
)
# Names that the first module's settings have had.
_FIRST_SETTINGS = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
# Of the settings of the whole model, those that decide what `encode` returns.
_DECIDING = ("prompts", "default_prompt_name", "truncate_dim")


@dataclass(frozen=True)
class SentenceFormat:
    """The modules of an encoder.

    Attributes
    ----------
    kinds : tuple of str
        Their classes, "Transformer" first.
    settings : str
        All that the folder says about how a text is read, as JSON.
    """

    kinds: tuple[str, ...]
    settings: str

    @property
    def only_pools(self) -> bool:
        """Whether no module after the first has weights, which are to stay exact."""
        return set(self.kinds[1:]) <= {"Pooling", "Normalize", "Dropout"}


def read_sentence_format(name: str, read_json: Callable[[str], Any]) -> SentenceFormat | None:
    """The format of the model `name`, whose files `read_json` reads; None for models in another format."""
    modules = read_json("modules.json")
    if modules is None:
        return None
    whole = _settings(name, read_json, "config_sentence_transformers.json")
    family = whole.get("model_type", "SentenceTransformer")
    if family == "CrossEncoder":  # a sequence classifier, read with its own head
        return None
    if family != "SentenceTransformer":
        raise unreadable(name, f"it was saved as a {family}, which gives no single vector for a text")
    kinds = _kinds(name, modules)
    paths = [PurePosixPath(module["path"]) for module in modules]
    later = [_settings(name, read_json, str(path / "config.json")) for path in paths[1:]]
    _check_activations(name, later)
    names = (str(paths[0] / file) for file in _FIRST_SETTINGS)
    first = next(filter(None, (_settings(name, read_json, file) for file in names)), {})
    deciding = {key: whole.get(key) for key in _DECIDING}
    return SentenceFormat(kinds, json.dumps([kinds, later, first, deciding], sort_keys=True))


def _settings(name: str, read_json: Callable[[str], Any], file: str) -> dict[str, Any]:
    """What a file says; nothing if there is no such file."""
    content = read_json(file)
    if content is not None and not isinstance(content, dict):
        raise unreadable(name, f"{file} holds a {type(content).__name__} in the place of settings")
    return content or {}


def unreadable(name: str, reason: str) -> OSError:
    """The error for a model whose modules cannot be read."""
    return OSError(
        f"model={name!r} could not be loaded: {reason}; expected modules of sentence-transformers, a Transformer and "
        f"after it {', '.join(_AFTER_THE_FIRST)}. Save it so, or name the language model that it was made from."
    )


def module_folders(folder: Path) -> list[Path]:
    """The subfolders of a local folder that its modules are saved in; none if that cannot be read."""
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        return sorted({folder / module["path"] for module in modules} - {folder})
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _kinds(name: str, modules: Any) -> tuple[str, ...]:
    """Classes of the modules, all of which can be read."""
    try:
        types = [(str(module["type"]), Path(module["path"])) for module in modules]
    except (TypeError, KeyError) as error:
        raise unreadable(name, "modules.json is no list of modules with a type and a path") from error
    for position, (type_name, path) in enumerate(types):
        expected = _AFTER_THE_FIRST if position else ("Transformer",)
        if not type_name.startswith(_LIBRARY) or type_name.rpartition(".")[2] not in expected:
            raise unreadable(name, f"module {position} of {len(types)} is a {type_name}")
        if path.is_absolute() or ".." in path.parts:
            raise unreadable(name, f"module {position} lies outside the folder, in {path}")
    if not types:
        raise unreadable(name, "modules.json is an empty list")
    return tuple(type_name.rpartition(".")[2] for type_name, _ in types)


def _check_activations(name: str, settings: list[dict[str, Any]]) -> None:
    """Activations of torch only: sentence-transformers would put another in the place of one it does not trust."""
    for setting in settings:
        activation = setting.get("activation_function", "torch.nn.")
        if not str(activation).startswith("torch.nn."):
            raise unreadable(
                name, f"a Dense module has the activation {activation}, which is not torch's"
            )
