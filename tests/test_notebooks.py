"""Every notebook: tidy in git, quick to read, and it runs, twice over: by papermill and then cell by cell by nbval.

Both runs use the smoke profile, with the network refused in the kernels. Seconds are reported, not judged, but for a
cap that only a hanging notebook meets.
"""

import ast
import json
import os
import re
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import nbformat
import pytest

from gensar_lite.lab.export import write_html
from gensar_lite.lab.record import read_records
from gensar_lite.lab.runner import ParameterError, check_parameters, run_notebook

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_LINES = 20  # of one cell
MOST_FUNCTIONS = 2  # what is longer or used twice lives in the package
MOST_SECONDS = 120
LOCAL_METADATA = {"kernelspec", "language_info"}

SERIES = (
    "00_tour",
    "01_embeddings",
    "02_residual_quantization",
    "03_identifier_maps",
    "04_multitask_finetuning",
    "05_inference",
    "06_scoreboard",
    "07_debug_your_identifiers",
)

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@cache
def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def python_of(cell: nbformat.NotebookNode) -> ast.Module:
    """A cell's code without lines that only IPython reads."""
    lines = ["pass" if line.lstrip().startswith(("%", "!")) else line for line in cell.source.splitlines()]
    return ast.parse("\n".join(lines))


def parameter_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", [])]


def test_the_series_is_complete():
    missing = set(SERIES) - {path.stem for path in NOTEBOOKS}
    assert not missing, f"no notebook of this name: {', '.join(sorted(missing))}"


@each_notebook
def test_git_holds_no_results(path):
    for number, cell in enumerate(code_cells(path), start=1):
        assert not cell.outputs, f"code cell {number} has outputs; run nbstripout on the notebook"
        assert cell.execution_count is None, f"code cell {number} has an execution count; run nbstripout"


@each_notebook
def test_metadata_names_the_plain_python_kernel_and_nothing_of_one_machine(path):
    metadata = read(path).metadata
    assert metadata.kernelspec.name == "python3"
    assert set(metadata) <= LOCAL_METADATA, "run nbstripout; keep kernelspec and language_info only"
    for cell in read(path).cells:
        assert set(cell.metadata) <= {"tags", "jupyter", "editable", "slideshow"}, cell.source[:60]


@each_notebook
def test_the_file_is_valid_and_its_cells_have_ids(path):
    nbformat.validate(read(path))
    ids = [cell.get("id") for cell in read(path).cells]
    assert all(ids) and len(ids) == len(set(ids))


@each_notebook
def test_one_parameters_cell_of_upper_case_literals_with_the_profile(path):
    (cell,) = parameter_cells(path)
    values = {}
    for statement in python_of(cell).body:
        assert isinstance(statement, ast.Assign) and len(statement.targets) == 1, "plain assignments only"
        name = statement.targets[0].id
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*", name), f"{name}: parameters are written in capitals"
        values[name] = ast.literal_eval(statement.value)
    assert values["PROFILE"] == "default"


@each_notebook
def test_the_title_is_a_question(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    title = first.source.splitlines()[0]
    assert title.startswith("# ") and title.endswith("?")


@each_notebook
def test_cells_are_short_and_what_is_used_twice_lives_in_the_package(path):
    functions = 0
    for number, cell in enumerate(code_cells(path), start=1):
        assert len(cell.source.splitlines()) < MOST_LINES, f"code cell {number} is too long to take in at once"
        nodes = list(ast.walk(python_of(cell)))
        assert not [node for node in nodes if isinstance(node, ast.ClassDef)], f"code cell {number} defines a class"
        functions += sum(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for node in nodes)
    assert functions <= MOST_FUNCTIONS


@each_notebook
def test_a_parameter_the_notebook_does_not_have_is_refused(path):
    check_parameters(path, {"PROFILE": "smoke"})
    with pytest.raises(ParameterError, match="unknown parameter PROFIL"):
        check_parameters(path, {"PROFIL": "smoke"})


@each_notebook
@pytest.mark.timeout(3 * MOST_SECONDS)
def test_runs_by_papermill_and_again_by_nbval(path, tmp_path, record_property):
    executed = tmp_path / path.name
    started = time.perf_counter()
    run_notebook(path, executed, {"PROFILE": "smoke"})
    by_papermill = time.perf_counter() - started

    headlines = [entry for entry in read_records(executed) if entry.headline]
    assert len(headlines) == 1, "record(..., headline=True) on the one number the notebook is remembered by"
    write_html(nbformat.read(executed, as_version=4), tmp_path / "page.html", path.stem)  # refuses remote sources

    started = time.perf_counter()
    checked = nbval(executed)
    by_nbval = time.perf_counter() - started
    record_property("notebook", f"{path.stem}: papermill {by_papermill:.1f} s, nbval {by_nbval:.1f} s; {headlines[0]}")
    assert checked.returncode == 0, checked.stdout[-4000:]
    assert by_papermill < MOST_SECONDS and by_nbval < MOST_SECONDS


@pytest.mark.timeout(3 * MOST_SECONDS)
def test_the_debugging_lesson_opens_a_file_of_the_readers_own(tmp_path):
    """String ids, three levels, hostile titles; the second codebook is collapsed."""
    names = [f"B{number:03}" for number in range(60)]
    codes = {name: [f"<a_{n % 16}>", "<b_0>", f"<c_{n // 4}>"] for n, name in enumerate(names)}
    texts = {name: {"title": f"thing {name} <img src=x onerror=alert(1)>", "description": "d"} for name in names}
    (tmp_path / "mine.index.json").write_text(json.dumps(codes))
    (tmp_path / "mine.item.json").write_text(json.dumps(texts))
    executed = tmp_path / "07.ipynb"
    given = {"IDENTIFIERS": str(tmp_path / "mine.index.json"), "ITEMS": str(tmp_path / "mine.item.json")}
    run_notebook(ROOT / "notebooks" / "07_debug_your_identifiers.ipynb", executed, {"PROFILE": "smoke", **given})
    cells = nbformat.read(executed, as_version=4).cells
    shown = [str(output.get("data", "")) for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    (verdict,) = [text for text in shown if "mine.index.json" in text and "Verdict" in text]
    assert "60 items" in verdict and "**bad**" in verdict
    assert not any("<img src=x" in text for text in shown)


def nbval(executed: Path) -> subprocess.CompletedProcess:
    """Run an executed notebook again, cell by cell; errors in widget callbacks fail here that papermill lets pass."""
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-kernel-name", "python3", "-q"]
    command += ["-c", os.devnull, "--rootdir", str(executed.parent), "-p", "no:cacheprovider", "-p", "no:xdist"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [*command, executed.name], cwd=executed.parent, env=environment, capture_output=True, text=True, timeout=240
    )


def trial(folder: Path, *cells: str) -> Path:
    """A notebook with a parameters cell and these cells, written to ``folder``."""
    first = nbformat.v4.new_code_cell("PROFILE = 'default'", metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[first, *map(nbformat.v4.new_code_cell, cells)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "trial.ipynb")
    return folder / "trial.ipynb"


BROKEN_CALLBACK = """import ipywidgets
slider = ipywidgets.IntSlider(0, 0, 5)
seen = ipywidgets.Output()
@seen.capture()
def divide(change):
    1 / (change['new'] - 3)
slider.observe(divide, 'value')
display(seen)"""


@pytest.mark.parametrize(("last", "passes"), [("slider.value = 2", True), ("slider.value = 3", False)])
def test_nbval_sees_a_failing_widget_callback_that_papermill_lets_pass(tmp_path, last, passes):
    path = trial(tmp_path, BROKEN_CALLBACK, last)
    run_notebook(path, tmp_path / "executed.ipynb", {"PROFILE": "smoke"})
    assert (nbval(tmp_path / "executed.ipynb").returncode == 0) is passes
