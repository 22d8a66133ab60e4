"""An executed notebook becomes one HTML file that needs no network: figures live, formulas as pictures, no CDN.

nbconvert's own page loads three libraries and the widget manager from the web; all of that is left out here.
"""

from __future__ import annotations

import base64
import copy
import io
import re
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from gensar_lite.lab.export_widgets import STATE, still
from gensar_lite.lab.setup import NO_CLOUD

PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
_TEMPLATE = """{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{{ resources.figure_library }}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
"""
_LESSON = re.compile(r"(\]\(\d\d_\w+)\.ipynb(?=[)#])")  # a link from one lesson to another
_CODE = re.compile(r"(```.*?```|~~~.*?~~~|`[^`\n]+`)", re.DOTALL)
_FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|(?<!\\)\$(?P<line>[^\s$](?:[^$\n]*[^\s$\\])?)\$(?!\d)", re.DOTALL)
_REMOTE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
_REMOTE_IMPORT = re.compile(r"(?:\bimport|\bfrom)\s*\(?\s*[\"'](?:https?:)?//[^\"']+", re.IGNORECASE)
_REMOTE_STYLE = re.compile(r"(?:@import\s+[\"']?|url\(\s*[\"']?)(?:https?:)?//[^\"')]+", re.IGNORECASE)


def write_html(notebook: NotebookNode, path: Path, title: str) -> None:
    """Write an executed notebook as a self-contained page.

    Raises:
        ValueError: the page would load something from the network; the message names what.
    """
    from gensar_lite.store import write_atomically

    page = to_html(notebook, title)
    remote = remote_sources(page)
    if remote:
        raise ValueError(f"The HTML page would need the network for: {', '.join(remote)}. Show that output offline.")
    write_atomically(path, lambda file: file.write_text(page, encoding="utf-8"))


def to_html(notebook: NotebookNode, title: str) -> str:
    """Render an executed notebook; the notebook itself is left as it is.

    Links to other lessons lead to their pages, and cells tagged ``solution`` are folded.
    """
    from jinja2 import DictLoader
    from nbconvert.exporters import HTMLExporter

    page = copy.deepcopy(notebook)
    widgets = page.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    page.metadata["title"] = title
    figures = 0

    def figure_html(figure: Mapping[str, Any]) -> str:
        nonlocal figures
        figures += 1
        return _figure_html(figure, f"figure-{figures}")

    page.cells = [_folded(cell) if "solution" in cell.metadata.get("tags", []) else cell for cell in page.cells]
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = _LESSON.sub(r"\1.html", _draw_formulas(cell.source))
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if PLOTLY in data:
                data["text/html"] = figure_html(data.pop(PLOTLY))
            elif WIDGET in data:
                model = data.pop(WIDGET)["model_id"]
                data["text/html"] = still(widgets, model, lambda figure: figure_html(figure._asdict()))
    exporter = HTMLExporter(extra_loaders=[DictLoader({"offline.html.j2": _TEMPLATE})], template_file="offline.html.j2")
    resources = {"metadata": {"name": title}, "figure_library": _figure_library() if figures else ""}
    return exporter.from_notebook_node(page, resources=resources)[0]


def remote_sources(page: str) -> list[str]:
    """What a page would fetch from the network when opened: scripts, styles, pictures, frames, module imports."""
    reader = _SourceReader()
    reader.feed(page)
    return sorted(reader.found)


def _figure_html(figure: Mapping[str, Any], name: str) -> str:
    import plotly.io as pio

    content = {key: value for key, value in figure.items() if key != "config"}
    config = {**figure.get("config", {}), **NO_CLOUD}
    return pio.to_html(content, config, include_plotlyjs=False, full_html=False, validate=False, div_id=name)


def _figure_library() -> str:
    from plotly.offline import get_plotlyjs

    return f'<script type="text/javascript">{get_plotlyjs()}</script>'


def _folded(cell: NotebookNode) -> NotebookNode:
    """A solution as a piece of text to unfold; what it printed is left out."""
    from nbformat.v4 import new_markdown_cell

    if cell.cell_type != "code":
        return cell
    return new_markdown_cell(f"<details><summary>Solution</summary>\n\n```python\n{cell.source}\n```\n\n</details>")


def _draw_formulas(markdown: str) -> str:
    parts = _CODE.split(markdown)
    parts[::2] = [_FORMULA.sub(_picture, part) for part in parts[::2]]  # odd parts are code
    return "".join(parts)


def _picture(match: re.Match) -> str:
    """One TeX formula as an inline SVG picture, or as it was where matplotlib's TeX subset ends."""
    from matplotlib.mathtext import math_to_image

    block = match["block"]
    formula = " ".join((block or match["line"]).split())
    picture = io.BytesIO()
    try:
        depth = math_to_image(f"${formula}$", picture, dpi=72, format="svg")
    except ValueError:
        return match[0]
    source = base64.b64encode(picture.getvalue()).decode("ascii")
    style = "display:block;margin:1em auto" if block else f"display:inline;vertical-align:-{depth:.1f}pt"
    return f'<img alt="{escape(formula)}" style="{style}" src="data:image/svg+xml;base64,{source}"/>'


class _SourceReader(HTMLParser):
    """Collects addresses that a browser fetches by itself (links to click are no part of that)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = "href" if tag == "link" else "src"
        self.found.update(value for name, value in attrs if name == wanted and value and _REMOTE.match(value))
        self.found.update(hit for name, value in attrs if name == "style" for hit in _REMOTE_STYLE.findall(value or ""))
        self._inside = tag if tag in {"script", "style"} else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.found.update(_REMOTE_IMPORT.findall(data))
        elif self._inside == "style":
            self.found.update(_REMOTE_STYLE.findall(data))
