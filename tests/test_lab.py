"""What notebooks rely on: set-up, recorded numbers, exercise checks, the runner and its offline pages."""

import json
import os
import random
import subprocess
import sys

import nbformat
import numpy as np
import plotly.io as pio
import pytest
import torch

from gensar_lite.lab.checks import Mistake, check, check_function
from gensar_lite.lab.export import PLOTLY, WIDGET, remote_sources, to_html, write_html
from gensar_lite.lab.record import Record, read_records, record
from gensar_lite.lab.runner import ParameterError, check_parameters, find_notebooks, main, run_notebook
from gensar_lite.lab.setup import PROFILES, project_root, start


def lesson(*cells: str, parameters: str = "PROFILE = 'default'") -> nbformat.NotebookNode:
    """A notebook with a parameters cell and these code cells."""
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[first, *map(nbformat.v4.new_code_cell, cells)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def with_output(data: dict) -> nbformat.NotebookNode:
    """A notebook whose only code cell has shown ``data``."""
    notebook = lesson("shown")
    notebook.cells[-1].outputs = [nbformat.v4.new_output("display_data", data=data)]
    return notebook


# set-up


def test_start_repeats_every_random_draw():
    draws = []
    for _ in range(2):
        profile = start("smoke", seed=3)
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert draws[0] == draws[1]
    assert profile.seed == 3
    start("smoke", seed=4)
    assert draws[0] != (random.random(), np.random.rand(), torch.rand(1).item())


@pytest.mark.parametrize(("given", "threads"), [(None, 1), ("2", 2)])
def test_one_thread_unless_the_environment_says_otherwise(given, threads):
    code = """
import numpy, scipy.linalg, torch
from threadpoolctl import threadpool_info
from gensar_lite.lab.setup import keep_to_one_thread
keep_to_one_thread()
print(torch.get_num_threads(), *{pool["num_threads"] for pool in threadpool_info()})
"""
    others = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment = others if given is None else {**others, "OMP_NUM_THREADS": given}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-800:]
    assert done.stdout.split() == [str(threads)] * 2


def test_smoke_is_smaller_than_default_in_every_size():
    small, full = start("smoke"), start("default")
    for size in ("epochs", "users", "cases", "points", "beam", "resamples"):
        assert 0 < getattr(small, size) < getattr(full, size), size
    assert {small.name, full.name} == set(PROFILES)


def test_unknown_profile_names_the_known_ones():
    with pytest.raises(ValueError, match="'huge'.*default, smoke"):
        start("huge")


def test_figures_begin_with_the_colours_of_the_two_tasks():
    start("smoke")
    assert pio.templates[pio.templates.default].layout.colorway[:2] == ("#0072B2", "#E69F00")
    assert pio.renderers.default == "plotly_mimetype"


def test_project_root_holds_the_package_and_the_notebooks():
    assert (project_root() / "gensar_lite" / "lab" / "setup.py").exists()
    assert (project_root() / "pyproject.toml").exists()


# recorded numbers


def test_recorded_numbers_are_read_back_from_an_executed_notebook(tmp_path):
    cells = [
        "from gensar_lite.lab.record import record",
        "import numpy as np\nrecord('collision rate', np.float32(0.25), 'share of items', headline=True)",
        "record('items', np.int64(7)); record('best scheme', 'joint')",
    ]
    nbformat.write(lesson(*cells), tmp_path / "in.ipynb")
    run_notebook(tmp_path / "in.ipynb", tmp_path / "out.ipynb", {})
    assert read_records(tmp_path / "out.ipynb") == [
        Record("collision rate", 0.25, "share of items", True),
        Record("items", 7),
        Record("best scheme", "joint"),
    ]
    text = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[2].outputs[0].data["text/plain"]
    assert text == "collision rate = 0.25 share of items"


@pytest.mark.parametrize("value", [float("nan"), np.inf])
def test_only_finite_numbers_are_recorded(value):
    with pytest.raises(ValueError, match="finite"):
        record("loss", value)


def test_a_recorded_number_needs_a_name():
    with pytest.raises(ValueError, match="name"):
        record("  ", 1)


@pytest.mark.parametrize(
    ("records", "complaint"),
    [
        ([Record("a", 1), Record("a", 2)], "more than once: a"),
        ([Record("a", 1, headline=True), Record("b", 2, headline=True)], "more than one headline: a, b"),
    ],
)
def test_ambiguous_records_are_refused(tmp_path, records, complaint):
    notebook = lesson("shown")
    for entry in records:
        data = {"application/x-gensar-record+json": entry._asdict()}
        notebook.cells[-1].outputs.append(nbformat.v4.new_output("display_data", data=data))
    nbformat.write(notebook, tmp_path / "a.ipynb")
    with pytest.raises(ValueError, match=complaint):
        read_records(tmp_path / "a.ipynb")


# exercise checks


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(0.5, 0.5), ([1, 2], np.array([1, 2])), (torch.ones(2, requires_grad=True), [1.0, 1.0]), (" a  b", "a b")],
)
def test_right_answers_pass_in_any_container(answer, expected):
    verdict = check("it", answer, expected)
    assert verdict.passed, verdict
    assert repr(verdict) == "✓ it: right."


@pytest.mark.parametrize(
    ("answer", "expected", "says"),
    [
        (..., 1.0, "not answered yet"),
        (None, "x", "not answered yet"),
        ("0.5", 0.5, "expected one number, found a text"),
        ([0.5], 0.5, r"found an array of shape \(1,\)"),
        (3, [1, 2], "expected an array of numbers with 1 axes, found one number"),
        ([[1, 2], [3]], [[1, 2], [3, 4]], "found an object of type list"),
        ([0.5, 1.0], [0, 1], "whole numbers"),
        (np.zeros((3, 2)), np.zeros((2, 3)), "axes are swapped"),
        (np.zeros(4), np.zeros(3), r"expected shape \(3,\), found \(4,\)"),
        (0.25, 0.75, "counted items, not identifiers"),
        (0.9, 0.75, "0.9 is too high"),
        (float("nan"), 0.75, "divided by zero"),
        ([1, 2, 4], [1, 2, 3], "1 of 3 values are off; the first stands at 2"),
        (7, "seven", "text in quotes"),
        ("Tent", "tent", "capital letters"),
        ("chair", "tent", "'chair' is not it yet"),
    ],
)
def test_wrong_answers_get_the_message_that_helps(answer, expected, says):
    mistakes = [Mistake(0.25, "you counted items, not identifiers.")]
    verdict = check("it", answer, expected, mistakes)
    assert not verdict.passed
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(verdict.message)


def test_structure_comes_before_shape_and_the_mistake_before_the_value():
    mistakes = [Mistake([2, 1], "sorted the wrong way round.")]
    assert check("it", [2, 1], [1, 2], mistakes).message.endswith("sorted the wrong way round.")
    assert "expected shape" in check("it", [2, 1, 0], [1, 2], mistakes).message


def test_numbers_are_compared_within_the_tolerance():
    assert check("it", 1.009, 1.0, tolerance=0.01).passed
    assert not check("it", 1.05, 1.0, tolerance=0.01).passed


def test_functions_are_tried_on_examples():
    def unwritten(x):
        raise NotImplementedError

    examples = [((2,), 4), ((3,), 9)]
    assert check_function("square", lambda x: x * x, examples).passed
    assert "square(3)" in check_function("square", lambda x: x + 2, examples).message
    assert "not written yet" in check_function("square", unwritten, examples).message
    assert "ZeroDivisionError" in check_function("square", lambda x: 1 / 0, examples).message
    assert "return" in check_function("square", lambda x: None, examples).message
    assert "expected a function" in check_function("square", ..., examples).message


# the runner


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """A series of three lessons, one of which fails, run by the command; (its process, its folder)."""
    folder = tmp_path_factory.mktemp("series")
    good = [
        "from gensar_lite.lab.record import record",
        "record('answer', 42, 'points', headline=True); print(PROFILE)",
    ]
    imports = "import plotly.graph_objects as go\nfrom gensar_lite.lab.setup import start"
    nbformat.write(lesson(*good), folder / "00_good.ipynb")
    nbformat.write(lesson("kettle = 1", "kettle / 0"), folder / "01_bad.ipynb")
    nbformat.write(lesson(imports, "start(PROFILE); go.Figure(go.Bar(y=[1, 2]))"), folder / "02_figure.ipynb")
    command = [sys.executable, "-m", "gensar_lite.lab.runner", "--profile", "smoke"]
    command += ["--notebooks", str(folder), "--out", str(folder / "build")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    return done, folder / "build"


def test_a_failing_lesson_is_reported_and_the_others_run(small_run):
    done, build = small_run
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("[1/3] 00_good ... ") and lines[0].endswith("answer = 42 points")
    assert lines[1].startswith("[2/3] 01_bad ... ") and lines[1].endswith("failed")
    assert lines[2].startswith("[3/3] 02_figure ... ")
    assert "01_bad failed: cell In [4] raised ZeroDivisionError: division by zero\n    | kettle / 0" in done.stderr
    assert [line.split()[0] for line in lines if line[:1] == "0"] == ["00_good", "01_bad", "02_figure"]
    assert (build / "notebooks" / "02_figure.ipynb").exists()


def test_the_profile_reaches_the_notebook_and_the_summary_is_machine_readable(small_run):
    _, build = small_run
    executed = nbformat.read(build / "notebooks" / "00_good.ipynb", as_version=4)
    assert executed.cells[-1].outputs[-1].text == "smoke\n"
    summary = json.loads((build / "summary.json").read_text())
    assert summary["profile"] == "smoke"
    assert [bool(each["error"]) for each in summary["notebooks"]] == [False, True, False]
    assert summary["notebooks"][0]["records"][0]["value"] == 42


def test_the_exported_page_needs_no_network_and_holds_plotly_once(small_run):
    _, build = small_run
    page = (build / "html" / "02_figure.html").read_text()
    assert remote_sources(page) == []
    assert page.count("Plotly.newPlot(") >= 1
    assert '"showSendToCloud": false' in page, "no button that sends the figure away"
    assert page.count('<script type="text/javascript">/**\n* plotly.js') == 1
    assert "plotly.js" not in (build / "html" / "00_good.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"), [(["--only", "7"], "no notebook numbered 07"), ([], "no notebook named NN_topic")]
)
def test_nothing_to_run_is_an_error(tmp_path, capsys, arguments, complaint):
    if arguments:
        nbformat.write(lesson("1"), tmp_path / "00_a.ipynb")
    assert main([*arguments, "--notebooks", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_notebooks_run_in_the_order_of_their_numbers(tmp_path):
    for name in ("10_late", "02_second", "00_first", "notes"):
        nbformat.write(lesson("1"), tmp_path / f"{name}.ipynb")
    assert [path.stem for path in find_notebooks(tmp_path)] == ["00_first", "02_second", "10_late"]
    assert [path.stem for path in find_notebooks(tmp_path, ["2", "10"])] == ["02_second", "10_late"]


def test_unknown_parameters_are_refused_before_anything_runs(tmp_path):
    nbformat.write(lesson("1", parameters="PROFILE = 'default'\nBEAM = 3"), tmp_path / "a.ipynb")
    check_parameters(tmp_path / "a.ipynb", {"PROFILE": "smoke", "BEAM": 5})
    with pytest.raises(ParameterError, match="unknown parameter BEEM.*BEAM, PROFILE"):
        run_notebook(tmp_path / "a.ipynb", tmp_path / "out.ipynb", {"BEEM": 5})
    assert not (tmp_path / "out.ipynb").exists()


def test_a_notebook_without_parameters_cell_takes_none(tmp_path):
    notebook = lesson("1")
    notebook.cells[0].metadata.tags = []
    nbformat.write(notebook, tmp_path / "a.ipynb")
    with pytest.raises(ParameterError, match="no cell tagged 'parameters'"):
        check_parameters(tmp_path / "a.ipynb", {"PROFILE": "smoke"})


# what a lesson imports


def test_what_lessons_import_brings_nothing_slow_that_few_of_them_use():
    code = """
import sys
from gensar_lite.lab import artefacts, ask, attention, checks, live, record, setup
setup.start("smoke")
slow = {"numba", "umap", "sentence_transformers", "matplotlib", "sklearn", "accelerate", "rfc3987_syntax"}
slow |= {"transformers.modeling_utils", "torch._dynamo"}
assert not slow & set(sys.modules), sorted(slow & set(sys.modules))
assert artefacts.open_artefacts().log.n_items == 2000
assert not slow & set(sys.modules), sorted(slow & set(sys.modules))
assert len(artefacts.open_artefacts().model.items) == 2000
assert "transformers.modeling_utils" in sys.modules  # where its name moves, the lines above say nothing
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-800:]


# offline pages


def test_a_widget_leaves_a_note_and_a_formula_becomes_a_picture():
    notebook = with_output({WIDGET: {"model_id": "1"}, "text/plain": "Slider()"})
    notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {}}
    notebook.cells.append(nbformat.v4.new_markdown_cell(r"The loss $\frac{a}{b}$ costs $5; `$x$` is code."))
    page = to_html(notebook, "a page")
    assert remote_sources(page) == []
    assert "A widget stands here" in page
    assert r'<img alt="\frac{a}{b}"' in page
    assert "costs $5" in page and "$x$" in page
    assert notebook.metadata.widgets, "the notebook itself must stay as it was"


def test_a_formula_beyond_the_subset_stays_readable():
    notebook = lesson()
    notebook.cells.append(nbformat.v4.new_markdown_cell(r"so $\begin{pmatrix}1\end{pmatrix}$ it is"))
    assert r"\begin{pmatrix}" in to_html(notebook, "a page")


def test_solutions_are_folded_and_lessons_link_to_pages():
    cells = [
        nbformat.v4.new_markdown_cell("Go to [the next](01_embeddings.ipynb)."),
        nbformat.v4.new_code_cell("answer = 6 * 7", metadata={"tags": ["solution"]}),
    ]
    page = to_html(nbformat.v4.new_notebook(cells=cells), "a page")
    assert 'href="01_embeddings.html"' in page and 'href="01_embeddings.ipynb"' not in page
    folded = page.split("<details><summary>Solution</summary>")[1].split("</details>")[0]
    assert "answer" in folded and page.count("answer") == folded.count("answer")


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example.org/a.js"></script>',
        '<link rel="stylesheet" href="//cdn.example.org/a.css">',
        '<img src="http://example.org/a.png">',
        "<script type='module'>import {a} from 'https://cdn.example.org/a.js'</script>",
        "<style>@import url(https://example.org/a.css)</style>",
        '<div style="background:url(https://example.org/a.png)"></div>',
    ],
)
def test_output_that_loads_from_the_network_is_refused(tmp_path, html):
    with pytest.raises(ValueError, match="example.org"):
        write_html(with_output({"text/html": html}), tmp_path / "a.html", "a page")
    assert not (tmp_path / "a.html").exists()


def test_links_to_click_are_fine():
    assert remote_sources('<a href="https://example.org">paper</a><img src="data:image/png;base64,AA">') == []


def test_figures_with_hostile_titles_cannot_leave_their_script():
    figure = {"data": [], "layout": {"title": {"text": "</script><script>alert(1)</script>"}}}
    assert "<script>alert(1)" not in to_html(with_output({PLOTLY: figure}), "a page")


def test_the_runner_runs_in_this_environment(tmp_path):
    nbformat.write(lesson("import sys, os; print(sys.prefix); print(os.getcwd())"), tmp_path / "a.ipynb")
    run_notebook(tmp_path / "a.ipynb", tmp_path / "out" / "a.ipynb", {"PROFILE": "smoke"})
    text = nbformat.read(tmp_path / "out" / "a.ipynb", as_version=4).cells[-1].outputs[0].text
    assert text.split() == [sys.prefix, os.path.realpath(tmp_path)]
