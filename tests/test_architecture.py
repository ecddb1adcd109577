"""Who may import whom, what the public names are, and that each is documented."""

import ast
import inspect
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sklearn_ftr

# Every case is for everybody.
pytestmark = pytest.mark.grid(1)

ROOT = Path(sklearn_ftr.__file__).parent
# What each folder may import of the package and of the heavy third parties.
SHARED = {
    "sklearn_ftr._arguments",
    "sklearn_ftr._printed_table",
    "sklearn_ftr._short_repr",
    "sklearn_ftr._shows_table",
    "sklearn_ftr._tables",
    "sklearn_ftr._versioned",
    "numpy",
}
# What folders that may import scikit-learn share.
ENCODED = {
    "sklearn_ftr._documentation_link",
    "sklearn_ftr._progress",
    "sklearn_ftr._callbacks",
    "sklearn_ftr._sklearn_private",
    "sklearn_ftr._table_columns",
    "sklearn_ftr._table_encoder",
}
ALLOWED = {
    "rectification": {"sklearn_ftr.rectification", "sklearn_ftr.displays", "scipy", *SHARED},
    "allocation": {
        "sklearn_ftr.allocation",
        "sklearn_ftr.displays",
        "sklearn_ftr.rectification",
        "scipy",
        *SHARED,
    },
    "finetuning": {
        "sklearn_ftr.finetuning",
        "sklearn",
        "skorch",
        "torch",
        "transformers",
        "sentence_transformers",
        "peft",
        *ENCODED,
        *SHARED,
    },
    "displays": {
        "sklearn_ftr.displays",
        "sklearn_ftr.allocation",
        "sklearn_ftr.rectification",
        "matplotlib",
        *SHARED,
    },
    "datasets": {"sklearn_ftr.datasets", "sklearn_ftr.allocation", "sklearn", *SHARED},
    "estimators": {
        "sklearn_ftr.estimators",
        "sklearn_ftr.rectification",
        "sklearn_ftr.allocation",
        "sklearn_ftr.finetuning",
        "sklearn",
        "dask",  # inside of functions that are handed collections of it
        "distributed",
        *ENCODED,
        *SHARED,
    },
}


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def violations(folder, allowed):
    foreign = {
        "numpy",
        "scipy",
        "pandas",
        "sklearn",
        "skorch",
        "torch",
        "joblib",
        "matplotlib",
        "peft",
        "transformers",
        "sentence_transformers",
        "sklearn_ftr",
    }
    for path in sorted((ROOT / folder).rglob("*.py")):
        for module in imported_modules(path):
            known = any(module == name or module.startswith(f"{name}.") for name in allowed)
            if module.split(".")[0] in foreign and not known:
                yield f"{path.name} imports {module}"


def test_what_every_folder_may_import_needs_numpy_only():
    for name in ("_arguments", "_short_repr", "_shows_table", "_tables", "_versioned"):
        imported = {module.split(".")[0] for module in imported_modules(ROOT / f"{name}.py")}
        own = {"sklearn_ftr", "numpy", "pandas"}  # pandas inside the function that says how to get it
        assert not imported - own - set(sys.stdlib_module_names)


def test_tables_are_encoded_without_any_folder():
    for name in ("_table_columns", "_table_encoder"):
        imported = set(imported_modules(ROOT / f"{name}.py"))
        own = {module.rsplit(".", 1)[0] for module in imported if module.startswith("sklearn_ftr")}
        assert own <= ENCODED


def imported_at_once(path):
    """By the module itself, outside of functions and of what is for type checkers only."""
    lines = [node for node in ast.parse(path.read_text("utf-8")).body if not isinstance(node, ast.If)]
    for node in lines:
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_displays_need_numpy_only_until_they_are_drawn():
    for path in sorted((ROOT / "displays").glob("*.py")):
        imported = {
            module
            for module in imported_at_once(path)
            if module.split(".")[0] not in {"numpy", *sys.stdlib_module_names}
        }
        own = {name for name in imported if name.startswith("sklearn_ftr.displays.")}
        assert imported <= own | SHARED, path


@pytest.mark.parametrize("folder", ["rectification", "allocation", "estimators"])
def test_displays_are_imported_by_methods_that_plot_only(folder):
    for path in sorted((ROOT / folder).glob("*.py")):
        assert not [name for name in imported_at_once(path) if "displays" in name], path


@pytest.mark.parametrize("folder", ALLOWED)
def test_layers(folder):
    assert (ROOT / folder).is_dir()
    assert not list(violations(folder, ALLOWED[folder]))


def test_the_layer_test_can_fail():
    assert list(violations("estimators", ALLOWED["rectification"]))


def imports_within(folder):
    """Which modules of a folder import which others: for type checkers or inside of functions, too."""
    home = f"sklearn_ftr.{folder}"
    files = {f"{home}.{path.stem}": path for path in (ROOT / folder).glob("*.py")}
    return {
        name: {module.rsplit(".", 1)[0] for module in imported_modules(path)} & set(files)
        for name, path in files.items()
    }


def test_allocation_imports_in_one_direction():
    """From the law by way of split, strategies and plan to the laws that offer all of it; no circle."""
    order = list(TopologicalSorter(imports_within("allocation")).static_order())
    modules = [name.rsplit(".", 1)[1] for name in order if not name.endswith("__init__")]
    chain = "law optimal_split premises strategies best_option prospect required_labels forecast planning_law scaling_law"
    chain = [f"_{name}" for name in chain.split()]
    assert [name for name in modules if name in chain] == chain


def test_private_helpers_of_scikit_learn_are_imported_in_one_file():
    for path in ROOT.rglob("*.py"):
        private = [
            module
            for module in imported_modules(path)
            if module.startswith("sklearn.") and any(part.startswith("_") for part in module.split("."))
        ]
        assert not private or path.name == "_sklearn_private.py", f"{path}: {private}"


def printed_by(code):
    """By a new Python that runs it."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_import_loads_neither_torch_nor_scikit_learn():
    code = "import sys, sklearn_ftr; print([m for m in ('torch', 'skorch', 'sklearn') if m in sys.modules])"
    assert printed_by(code) == "[]"


def test_the_mean_needs_no_torch():
    code = (
        "import sys, numpy as np; from sklearn_ftr import RectifiedMeanEstimator as E;"
        "x = np.arange(20.)[:, None]; y = np.where(x[:, 0] < 15, x[:, 0], np.nan);"
        "E(random_state=0).fit(x, y); print('torch' in sys.modules)"
    )
    assert printed_by(code) == "False"


def loaded_of(names, code):
    """Which of some modules are there after code has run."""
    return printed_by(f"import sys; {code}; print([name for name in {names} if name in sys.modules])")


def test_importing_a_function_does_not_load_scipy():
    assert loaded_of(["scipy", "numpy.f2py", "sklearn"], "from sklearn_ftr import rectify_mean") == "[]"


def test_a_mean_and_its_table_load_special_functions_only():
    code = (
        "import sklearn_ftr; r = sklearn_ftr.rectify_mean([1., 2, 4], [1., 2, 3], [2., 3, 2, 1]);"
        "r.confidence_interval(); r.p_value(0); str(r)"
    )
    others = ["scipy.stats", "scipy.optimize", "scipy.linalg", "sklearn", "torch", "pandas"]
    # Older ones load linear algebra themselves.
    assert loaded_of(others, code) == loaded_of(others, "import scipy.special")
    assert loaded_of(["scipy.special"], code) == "['scipy.special']"


def test_rectification_imports_scipy_in_one_file():
    """Where it is loaded when it is needed."""
    for path in (ROOT / "rectification").glob("*.py"):
        imported = {module.split(".")[0] for module in imported_modules(path)}
        assert "scipy" not in imported, path


def test_tables_are_printed_in_one_file():
    for path in ROOT.rglob("*.py"):
        imported = {module.split(".")[0] for module in imported_modules(path)}
        assert ("tabulate" in imported) == (path.name == "_printed_table.py"), path


def test_what_prints_tables_is_loaded_when_one_is_printed():
    code = "import sklearn_ftr; r = sklearn_ftr.rectify_mean([1., 2, 4], [1., 2, 3], [2., 3, 2, 1]); repr(r)"
    assert loaded_of(["tabulate"], code) == "[]"
    assert loaded_of(["tabulate"], f"{code}; str(r)") == "['tabulate']"


def test_public_names():
    assert sklearn_ftr.__all__ == sorted(
        sklearn_ftr.__all__, key=lambda name: (name[0].islower(), name)
    )
    assert set(sklearn_ftr.__all__) == set(sklearn_ftr._HOMES)
    assert set(sklearn_ftr.__all__) <= set(dir(sklearn_ftr))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = sklearn_ftr.nonsense


def test_type_checkers_know_every_public_name():
    tree = ast.parse((ROOT / "__init__.py").read_text("utf-8"))
    guarded = [node for node in tree.body if ast.unparse(node).startswith("if TYPE_CHECKING:")]
    imported = [alias.name for block in guarded[0].body for alias in block.names]
    assert sorted(imported) == sorted(sklearn_ftr.__all__)


@pytest.mark.parametrize("name", sklearn_ftr.__all__)
def test_public_names_are_documented(name):
    value = getattr(sklearn_ftr, name)
    assert len(inspect.getdoc(value)) > 40
    if inspect.isclass(value):
        for method, function in vars(value).items():
            if not method.startswith("_") and inspect.isfunction(function):
                assert inspect.getdoc(function), f"{name}.{method}"


@pytest.mark.parametrize("name", sklearn_ftr.__all__)
def test_public_names_stand_once_in_the_api_page(name):
    page = (ROOT.parent / "docs" / "api.md").read_text("utf-8")
    assert page.count(f"| `{name}` |") == 1


def test_nothing_refers_to_files_outside_the_package():
    for path in ROOT.rglob("*.py"):
        assert "../shared" not in path.read_text("utf-8"), path
