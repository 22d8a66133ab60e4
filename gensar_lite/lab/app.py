"""The live views of lesson 05 in a browser, without its code: ``make app``, or

    python -m gensar_lite.lab.app [--port 8866] [--theme dark] [--no-browser] [--ip 127.0.0.1]

The cells tagged ``app`` are cut out of the lesson, so that lesson and app cannot drift apart, and served by Voila. The
page holds no code and offers to run none: Voila passes on the messages of widgets only. It serves no files, loads
nothing from elsewhere, and is bound to this machine unless ``--ip`` says otherwise. Each visitor gets a kernel of their
own, which ends with the page, or when nothing has happened for half an hour.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

from nbformat import NotebookNode

from gensar_lite import store
from gensar_lite.lab.offline import block_new_processes
from gensar_lite.lab.setup import project_root

LESSON = "05_inference.ipynb"
TAG = "app"
IDLE_SECONDS = 1800  # after which a kernel that nobody uses ends
ONLY_HERE = ("127.0.0.1", "localhost", "::1")  # addresses that no other machine reaches
_TEMPLATE_NAME = "gensar"
# Voila's own template loads icons and a library for diagrams from the web. We use neither: those blocks are made anew.
_TEMPLATE = """{%- extends 'lab/index.html.j2' -%}
{% import "spinner.macro.html.j2" as spinner %}
{%- block notebook_css -%}
  {{ resources.include_js("static/voila-style.js") }}
  {{ spinner.css() }}
  <style>
    .jp-mod-noOutputs.jp-mod-noInput { display: none; }
    #rendered_cells { max-width: 1480px; margin: 0 auto; padding: 0 24px 48px; }
    .jp-OutputPrompt, .jp-InputPrompt { display: none; }
  </style>
  {{ super.super() }}
{%- endblock notebook_css -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
"""


def cut(lesson: NotebookNode) -> NotebookNode:
    """The app's notebook: the lesson's title and its cells tagged ``app``, without results.

    Raises:
        ValueError: the lesson does not begin with a title, or no code cell is tagged.
    """
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    title = lesson.cells[0].source.splitlines()[0] if lesson.cells and lesson.cells[0].source else ""
    if not title.startswith("# "):
        raise ValueError(f"The lesson's first cell must begin with a title, '# …', not {title!r}.")
    cells = [new_markdown_cell(title)]
    for cell in lesson.cells:
        if TAG in cell.metadata.get("tags", []):
            cells.append(new_code_cell(cell.source) if cell.cell_type == "code" else new_markdown_cell(cell.source))
    if not any(cell.cell_type == "code" for cell in cells):
        raise ValueError(f"No code cell of the lesson is tagged '{TAG}': there would be nothing to show.")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "title": title.removeprefix("# ")})


def write_app(lesson: Path, folder: Path) -> Path:
    """Write the app's notebook and its page template to a folder; returns the notebook's path."""
    import nbformat

    path = folder / "flip.ipynb"
    notebook = nbformat.writes(cut(nbformat.read(lesson, as_version=4)))
    template = folder / "jupyter" / "voila" / "templates" / _TEMPLATE_NAME
    store.write_atomically(path, lambda file: file.write_text(notebook, encoding="utf-8"))
    store.write_atomically(template / "index.html.j2", lambda file: file.write_text(_TEMPLATE, encoding="utf-8"))
    store.write_json(template / "conf.json", {"base_template": "lab"})
    return path


def settings(notebook: Path, ip: str, port: int, theme: str, open_browser: bool) -> list[str]:
    """Voila's command line; what keeps the page safe stands here, so that no settings of the user's can undo it."""
    options = {
        "Voila.ip": ip,
        "Voila.port": port,
        "Voila.open_browser": open_browser,
        "VoilaConfiguration.template": _TEMPLATE_NAME,
        "VoilaConfiguration.theme": theme,
        "VoilaConfiguration.allow_template_override": "NO",
        "VoilaConfiguration.allow_theme_override": "NO",  # Voila would write the address's theme into the page as it is
        "VoilaConfiguration.strip_sources": True,  # no code in the page
        "VoilaConfiguration.show_tracebacks": False,
        "VoilaConfiguration.file_allowlist": "$.",  # a pattern that matches nothing: no files
        "VoilaConfiguration.preheat_kernel": True,  # the next page is ready before it is asked for
        "VoilaConfiguration.default_pool_size": 1,
        "MappingKernelManager.cull_idle_timeout": IDLE_SECONDS,
        "MappingKernelManager.cull_interval": 60,
    }
    return [str(notebook), *(f"--{name}={value}" for name, value in options.items())]


def serve(command_line: list[str]) -> None:
    """Run Voila in this process until it is told to stop (Ctrl-C, SIGTERM); it ends its kernels then.

    A process of its own would outlive this one if only this one were told.
    """
    from voila.app import Voila

    Voila.launch_instance(command_line)


def prepare(environment: MutableMapping[str, str], folder: Path) -> None:
    """Set up the environment of Voila and its kernels: our template, this Python's kernel, one thread, no network."""
    block_new_processes(folder / "offline", environment)
    places = [str(folder / "jupyter"), environment.get("JUPYTER_PATH", "")]
    environment["JUPYTER_PATH"] = os.pathsep.join(place for place in places if place)
    environment["JUPYTER_PREFER_ENV_PATH"] = "1"
    environment.setdefault("OMP_NUM_THREADS", "1")  # several visitors share the cores; the model gains nothing by more


def main(arguments: list[str] | None = None) -> None:
    """Serve the app until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m gensar_lite.lab.app", description=__doc__.split("\n")[0])
    parser.add_argument("--ip", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8866, help="port (default 8866, or the next free one)")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="colours of the page")
    parser.add_argument("--no-browser", action="store_true", help="only tell the address")
    parser.add_argument(
        "--out", type=Path, default=project_root() / "build" / "app", help="folder for the cut notebook"
    )
    options = parser.parse_args(arguments)
    folder = options.out.resolve()
    notebook = write_app(project_root() / "notebooks" / LESSON, folder)
    if options.ip not in ONLY_HERE:
        print(
            f"The app listens on {options.ip}: everyone who can reach this machine can use it, without a password and "
            "without encryption. Each visitor takes a kernel of about 1 GB of memory.",
            file=sys.stderr,
        )
    prepare(os.environ, folder)
    serve(settings(notebook, options.ip, options.port, options.theme, not options.no_browser))


if __name__ == "__main__":
    main()
