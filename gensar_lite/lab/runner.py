"""Runs the notebook series: ``python -m gensar_lite.lab.runner``.

Every notebook runs in a kernel of its own, with the network refused, and leaves its executed copy, an HTML page that
works offline, and its recorded numbers. A notebook that fails is reported and the next one runs.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from gensar_lite.lab.offline import block_new_processes
from gensar_lite.lab.record import Record, read_records
from gensar_lite.lab.setup import PROFILES, project_root
from gensar_lite.store import write_json

_CELL_SECONDS = 600  # a cell that takes longer hangs
_NAME = re.compile(r"\d\d_\w+\.ipynb")


class ParameterError(ValueError):
    """A notebook was handed a parameter that it does not have."""


class Outcome(NamedTuple):
    """What became of one notebook.

    Attributes:
        name: file name without its ending.
        seconds: wall-clock seconds, kernel start and HTML export included.
        records: the numbers it recorded, in order.
        error: empty if it ran through; else where and what went wrong, over several lines.
    """

    name: str
    seconds: float
    records: list[Record]
    error: str = ""

    @property
    def headline(self) -> str:
        """The one number to remember, with its unit; "failed" for a notebook that did not run through."""
        if self.error:
            return "failed"
        return next((str(entry) for entry in self.records if entry.headline), "-")


def find_notebooks(folder: Path, only: list[str] | None = None) -> list[Path]:
    """The lessons ``NN_topic.ipynb`` of a folder in order, all or those with the given numbers.

    Raises:
        ValueError: there is none, or a number has no notebook.
    """
    found = sorted(path for path in Path(folder).glob("*.ipynb") if _NAME.fullmatch(path.name))
    if not found:
        raise ValueError(f"{folder}: no notebook named NN_topic.ipynb. Check the folder.")
    if only is None:
        return found
    wanted = {number.zfill(2) for number in only}
    missing = sorted(wanted - {path.name[:2] for path in found})
    if missing:
        here = ", ".join(path.name[:2] for path in found)
        raise ValueError(f"{folder}: no notebook numbered {', '.join(missing)}. There are: {here}.")
    return [path for path in found if path.name[:2] in wanted]


def check_parameters(notebook: Path, parameters: dict[str, Any]) -> None:
    """Refuse parameters that the notebook's ``parameters`` cell does not define; papermill passes them silently.

    Raises:
        ParameterError: the notebook has no such cell, or not these names.
    """
    import papermill

    known = papermill.inspect_notebook(str(notebook))
    if not known:
        raise ParameterError(f"{notebook}: no cell tagged 'parameters' that sets anything, so nothing can be passed.")
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ParameterError(
            f"{notebook}: unknown parameter {', '.join(unknown)}. The notebook knows: {', '.join(sorted(known))}."
        )


def run_notebook(notebook: Path, executed: Path, parameters: dict[str, Any]) -> None:
    """Run one notebook in a fresh kernel of this Python, in the notebook's own folder.

    Args:
        notebook: the lesson.
        executed: where its executed copy goes; it is written at the end, also where a cell fails.
        parameters: name -> value, {"PROFILE": "smoke"} for example.

    Raises:
        ParameterError: see ``check_parameters``.
        papermill.PapermillExecutionError: a cell failed.
    """
    import papermill

    check_parameters(notebook, parameters)
    executed.parent.mkdir(parents=True, exist_ok=True)
    # The kernel named python3 must be this environment's, not one that the user once registered under that name.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    papermill.execute_notebook(
        str(notebook),
        str(executed),
        parameters=parameters,
        kernel_name="python3",
        cwd=str(notebook.parent),
        progress_bar=False,
        request_save_on_cell_execute=False,  # the whole file twice per cell: a tenth of the time
        execution_timeout=_CELL_SECONDS,
        extra_arguments=["--log-level=ERROR"],  # else each kernel warns that loopback is not encrypted
    )


def run_lesson(notebook: Path, out: Path, profile: str) -> Outcome:
    """Run a lesson, write its executed copy to ``out/notebooks`` and its page to ``out/html``; never raises for it."""
    started = time.perf_counter()
    executed = out / "notebooks" / notebook.name
    records: list[Record] = []
    error = ""
    try:
        run_notebook(notebook.resolve(), executed.resolve(), {"PROFILE": profile})
        records = read_records(executed)
        _write_page(executed, out / "html" / f"{notebook.stem}.html")
    except Exception as trouble:  # whatever a lesson does, it is reported and the others still run
        error = describe(trouble)
    return Outcome(notebook.stem, time.perf_counter() - started, records, error)


def describe(trouble: Exception) -> str:
    """Say where a notebook failed and why: cell, its code, the error."""
    from papermill import PapermillExecutionError

    if not isinstance(trouble, PapermillExecutionError):
        return f"{type(trouble).__name__}: {trouble}"
    code = "\n".join(f"    | {line}" for line in trouble.source.strip().splitlines())
    return f"cell In [{trouble.exec_count}] raised {trouble.ename}: {trouble.evalue}\n{code}"


def table(outcomes: list[Outcome]) -> str:
    """The closing table: notebook, seconds, headline number."""
    rows = [("notebook", "seconds", "headline number")]
    rows += [(each.name, f"{each.seconds:.1f}", each.headline) for each in outcomes]
    rows.append(("together", f"{sum(each.seconds for each in outcomes):.1f}", ""))
    wide = max(len(row[0]) for row in rows)
    lines = [f"{name:<{wide}}  {seconds:>7}  {headline}".rstrip() for name, seconds, headline in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def main(arguments: list[str] | None = None) -> int:
    """Run the series; returns 0, 1 if a notebook failed, 2 if there was nothing to run."""
    options = _parse(arguments)
    try:
        notebooks = find_notebooks(options.notebooks, options.only)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    block_new_processes(options.out / "offline")
    outcomes = []
    for number, notebook in enumerate(notebooks, start=1):
        print(f"[{number}/{len(notebooks)}] {notebook.stem} ... ", end="", flush=True)
        outcome = run_lesson(notebook, options.out, options.profile)
        print(f"{outcome.seconds:.1f} s, {outcome.headline}", flush=True)
        outcomes.append(outcome)
    _write_summary(outcomes, options.out, options.profile)
    print(f"\n{table(outcomes)}\n\nExecuted notebooks and HTML pages: {options.out}")
    failed = [each for each in outcomes if each.error]
    for each in failed:
        print(f"\n{each.name} failed: {each.error}", file=sys.stderr)
    return 1 if failed else 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gensar_lite.lab.runner", description="Run the notebook series.")
    parser.add_argument("--profile", choices=PROFILES, default="default", help="how much each notebook may do")
    parser.add_argument("--out", type=Path, default=project_root() / "build", help="folder for the results")
    parser.add_argument("--only", nargs="+", metavar="NN", help="numbers of the notebooks to run; all if left out")
    parser.add_argument("--notebooks", type=Path, default=project_root() / "notebooks", help="folder of the series")
    return parser.parse_args(arguments)


def _write_page(executed: Path, page: Path) -> None:
    import nbformat

    from gensar_lite.lab.export import write_html

    write_html(nbformat.read(executed, as_version=4), page, title=executed.stem)


def _write_summary(outcomes: list[Outcome], out: Path, profile: str) -> None:
    lessons = [
        {
            "notebook": each.name,
            "seconds": round(each.seconds, 1),
            "error": each.error,
            "records": [entry._asdict() for entry in each.records],
        }
        for each in outcomes
    ]
    write_json(out / "summary.json", {"profile": profile, "notebooks": lessons})


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    sys.exit(main())
