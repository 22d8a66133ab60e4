"""The house rules that a machine can check: the way of imports, light modules, safe loading, no registry hosts."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gensar_lite"
MODULES = sorted(PACKAGE.rglob("*.py"))
LAYERS = ["store", "log", "embed", "identify", "generate", "evaluate", "view", "lab", "cli"]
HEAVY = {"torch", "transformers", "pandas", "numpy", "plotly", "sklearn", "scipy", "IPython", "ipywidgets", "numba"}
WITHOUT_TORCH = ["identify.table", "identify.formats", "identify.diagnose", "view"]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    """Dotted module name; a package's __init__ has the package's name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at its top, in a function, or for type checking only."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{base_of(node, path)}.{alias.name}" for alias in node.names)
    return found


def base_of(node: ast.ImportFrom, path: Path) -> str:
    if not node.level:
        return node.module or ""
    here = name_of(path).split(".")
    here = here if path.name == "__init__.py" else here[:-1]
    here = here[: len(here) - node.level + 1]
    return ".".join([*here, node.module] if node.module else here)


def layer_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "gensar_lite" and len(parts) > 1 else None


def loaded_by(*modules: str) -> set[str]:
    """Top-level names in sys.modules of a fresh Python after importing these modules."""
    code = f"import {', '.join(modules)}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_one_way(path):
    own = layer_of(name_of(path))
    if own is None:  # the package's own __init__ stands below everything
        assert not [module for module in imports(path) if layer_of(module) in LAYERS]
        return
    assert own in LAYERS, f"{path.name} lies outside the stages; name a stage for it"
    for module in sorted(imports(path)):
        other = layer_of(module)
        if other in LAYERS:
            assert LAYERS.index(other) <= LAYERS.index(own), f"{own} must not import {module}: imports run one way"


def test_the_import_reader_sees_imports_in_functions_and_relative_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    file = tmp_path / "gensar_lite" / "log" / "trial.py"
    file.parent.mkdir(parents=True)
    file.write_text("def late():\n    from ..view import figures\n    import gensar_lite.cli\n")
    assert imports(file) == {"gensar_lite.view.figures", "gensar_lite.cli"}


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by("gensar_lite") & HEAVY


@pytest.mark.parametrize("part", WITHOUT_TORCH)
def test_identifier_files_and_figures_need_no_torch(part):
    found = [name_of(path) for path in MODULES if f"{name_of(path)}.".startswith(f"gensar_lite.{part}.")]
    if not found:
        pytest.skip(f"gensar_lite.{part} does not exist")
    assert not loaded_by(*found) & {"torch", "transformers"}


def test_every_module_with_annotated_arrays_has_them_checked_under_pytest(pytestconfig):
    checked = pytestconfig.getoption("jaxtyping_packages").split(",")[:-1]
    users = [name_of(path) for path in MODULES if any(module.startswith("jaxtyping") for module in imports(path))]
    assert len(users) > 50
    assert not [name for name in users if not any(f"{name}.".startswith(f"{part}.") for part in checked)]


def test_only_the_widgets_import_widget_libraries():
    users = [
        name_of(path)
        for path in MODULES
        if {module.partition(".")[0] for module in imports(path)} & {"ipywidgets", "anywidget", "jscatter"}
    ]
    strangers = [name for name in users if not name.startswith("gensar_lite.view.widgets")]
    assert not strangers, "widgets are shells in view.widgets; everything else works without them"


def unsafe_calls(module: ast.Module) -> list[str]:
    """Calls that would run code from a data file."""
    found = []
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        options = {keyword.arg: keyword.value for keyword in call.keywords}
        on = [key for key, value in options.items() if isinstance(value, ast.Constant) and value.value is True]
        if (
            name.split(".")[0] in {"pickle", "cloudpickle", "joblib", "dill"}
            or name.split(".")[-1] in {"read_pickle", "to_pickle"}
            or (name in {"torch.load"} and "weights_only" not in on)
            or "allow_pickle" in on
            or "trust_remote_code" in on
        ):
            found.append(f"line {call.lineno}: {name}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_file_can_run_code_when_it_is_loaded(path):
    assert not unsafe_calls(tree(path))


@pytest.mark.parametrize(
    "line",
    ["pickle.load(f)", "torch.load(f)", "torch.load(f, weights_only=False)", "np.load(f, allow_pickle=True)"],
)
def test_unsafe_loading_is_recognised(line):
    assert unsafe_calls(ast.parse(line))


def test_safe_loading_is_let_through():
    assert not unsafe_calls(ast.parse("torch.load(f, weights_only=True); np.load(f); load_file(f)"))


def tracked_files() -> list[Path]:
    """Files under version control; skips where this is no clone."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("not a git clone")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_names_a_package_registry():
    # Put together here so that this file does not name them either.
    hosts = [("pypi", "org"), ("files.python" + "hosted", "org"), ("download", "pytorch", "org"), ("anaconda", "org")]
    hosts += [("conda", "io"), ("npmjs", "org"), ("npmjs", "com"), ("unpkg", "com"), ("jsdelivr", "net")]
    forbidden = [".".join(host).encode() for host in hosts]
    for path in tracked_files():
        text = path.read_bytes()
        named = [host.decode() for host in forbidden if host in text]
        assert not named, f"{path.relative_to(ROOT)} names {', '.join(named)}; say it in words instead"


def test_no_tracked_file_is_huge():
    for path in tracked_files():
        assert path.stat().st_size < 25e6, f"{path.relative_to(ROOT)} has more than 25 MB"
