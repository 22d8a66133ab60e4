"""A real JupyterLab and the app, with Debian's Chromium in front of them, for the browser tests.

The servers work on copies of the notebooks in a temporary folder, with settings, kernels and a token of their own, so
that neither the tree nor the user's Jupyter is touched. Browser, server and kernels reach loopback only.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import nbformat
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

SECONDS = 1000  # Playwright counts in milliseconds
PATIENCE = 240 * SECONDS  # a loaded machine is slow; only what hangs meets this
expect.set_options(timeout=PATIENCE)
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
LAPTOP = {"width": 1280, "height": 800}
PROJECTOR = {"width": 1920, "height": 1080}

_IDLE = ".jp-NotebookPanel:visible .jp-Notebook-ExecutionIndicator[data-status=idle]"
# How the dialogs that may come begin, and the button that goes on: the kernel that a notebook names is not this
# environment's; a kernel died while it started, and another one starts.
_DIALOGS = {"Select Kernel": "Select", "Kernel Restarting": "Ok"}
_TOKEN = "for-the-tests"
_CLICK = 20 * SECONDS  # for one of several clicks in a row, which begin again if one is in vain
_ANSWERED = 20  # seconds after which an idle kernel that has run nothing was not reached
Answer = TypeVar("Answer")
_BROWSER_FLAGS = (
    "--no-sandbox",  # tests run as root in containers
    "--use-angle=swiftshader",  # maps are drawn by WebGL, also where there is no graphics card
    "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # the network is refused
)
# JupyterLab looks for no news and asks nothing when a page closes.
_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False, "confirmClosingDocument": False},
}


def chromium() -> str | None:
    """Path of Debian's Chromium; None where there is none."""
    return shutil.which("chromium")


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Chromium without a window, refused the network."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(_BROWSER_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def copy_smoke(notebooks: Path, folder: Path) -> None:
    """Copy all lessons into a folder with their profile set to smoke."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(notebooks.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        (cell,) = [one for one in notebook.cells if "parameters" in one.metadata.get("tags", [])]
        cell.source, changed = re.subn(r'^PROFILE = "default"', 'PROFILE = "smoke"', cell.source, flags=re.MULTILINE)
        assert changed == 1, f"{path.name}: no PROFILE to set"
        nbformat.write(notebook, folder / path.name)


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab.

    Attributes:
        address: "http://127.0.0.1:PORT", no slash at the end.
        root: folder that it shows.
    """

    address: str
    root: Path

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Call the server's REST interface; the decoded answer, None if it is empty."""
        request = urllib.request.Request(
            f"{self.address}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {_TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def page(self, path: str) -> str:
        """Address of a page, with the token that opens it."""
        return f"{self.address}/{path}{'&' if '?' in path else '?'}token={_TOKEN}"

    def end_kernels(self) -> None:
        """Stop all kernels, so that their memory is free for the next notebook."""
        for session in self.ask("api/sessions"):
            self.ask(f"api/sessions/{session['id']}", "DELETE")


@contextlib.contextmanager
def open_lab(folder: Path) -> Iterator[Lab]:
    """JupyterLab of this Python on ``folder / "notebooks"``, stopped with all its kernels at the end."""
    root = folder / "notebooks"
    overrides = folder / "config" / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    overrides.write_text(json.dumps(_SETTINGS), encoding="utf-8")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root"]
    command += [f"--IdentityProvider.token={_TOKEN}", f"--ServerApp.root_dir={root}"]
    # Should the tests be killed before they can tidy up, everything ends by itself.
    command += ["--MappingKernelManager.cull_idle_timeout=600", "--ServerApp.shutdown_no_activity_timeout=900"]

    def answers(server: int) -> Lab:
        note = folder / "runtime" / f"jpserver-{server}.json"  # the server chose its port itself and writes it down
        lab = Lab(json.loads(note.read_text(encoding="utf-8"))["url"].rstrip("/"), root)
        lab.ask("api/status")
        return lab

    with _serving(command, folder, _environment(folder), answers) as lab:
        yield lab


@contextlib.contextmanager
def open_app(folder: Path, theme: str = "light") -> Iterator[str]:
    """The app of ``make app`` on a free port, stopped with all its kernels at the end; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def answers(_: int) -> str:
        socket.create_connection(("127.0.0.1", port)).close()
        return f"http://127.0.0.1:{port}"

    command = [sys.executable, "-m", "gensar_lite.lab.app", "--no-browser", f"--port={port}", f"--theme={theme}"]
    command.append(f"--out={folder}")
    with _serving(command, folder, _environment(folder), answers) as address:
        yield address


def _environment(folder: Path) -> dict[str, str]:
    """Of a server that shall know nothing of the user's Jupyter, nor of these tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTEST"))}
    environment |= {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    return environment | {"JUPYTER_PREFER_ENV_PATH": "1", "IPYTHONDIR": str(folder / "ipython")}


@contextlib.contextmanager
def _serving(
    command: list[str], folder: Path, environment: dict[str, str], answers: Callable[[int], Answer]
) -> Iterator[Answer]:
    """Run a server for as long as the block lasts.

    Args:
        command: how it is started.
        folder: where it runs and logs.
        environment: its environment variables.
        answers: its process id -> what the block gets; fails with an OSError or ValueError until the server is ready.
    """
    log = folder / "server.log"
    with log.open("w") as told:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=told, stderr=subprocess.STDOUT)
    until = time.monotonic() + PATIENCE / SECONDS
    try:
        while True:
            try:
                answer = answers(server.pid)
                break
            except (OSError, ValueError):
                assert server.poll() is None and time.monotonic() < until, log.read_text(encoding="utf-8")[-4000:]
                time.sleep(0.2)
        yield answer
    finally:
        _stop(server)


def _stop(server: subprocess.Popen) -> None:
    server.terminate()  # it ends its kernels first
    try:
        server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        server.kill()  # kernels end by themselves when the server is gone
        server.wait(timeout=30)


@dataclass
class Watched:
    """A browser page with what went wrong on it.

    Attributes:
        page: Playwright's page.
        errors: what the console reported as errors, exceptions included. JupyterLab and Voila make none of their own.
        away: addresses outside of loopback that were asked for; refused, and a fault of whoever asked.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    away: list[str] = field(default_factory=list)

    def shot(self, name: str, locator: Locator | None = None) -> None:
        """Save a picture of the window, or of one element, to the folder that GENSAR_SHOTS names, if it is set."""
        folder = os.environ.get("GENSAR_SHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            (locator or self.page).screenshot(path=Path(folder) / f"{name}.png")

    def check(self) -> None:
        """Fail if something of ours went wrong on this page, or in the kernel while it answered a widget."""
        assert not self.errors, "console errors:\n" + "\n".join(self.errors)
        assert not self.away, "asked the network for:\n" + "\n".join(self.away)
        log = self.page.locator(".jp-LogConsoleStatusItem [role=button]")
        if log.count() and log.inner_text().strip() not in ("", "0"):
            log.click()
            raise AssertionError(f"logged by the kernel:\n{self.page.locator('.jp-LogConsolePanel').inner_text()}")


@contextlib.contextmanager
def open_page(browser: Browser, window: dict[str, int] = LAPTOP) -> Iterator[Watched]:
    """An empty page in a fresh profile that watches its console and its requests."""
    context = browser.new_context(viewport=window, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    watched = Watched(context.new_page())

    def told(message: ConsoleMessage) -> None:
        where = f"{message.text} ({message.location.get('url', '')})"
        if message.type == "error":
            watched.errors.append(where)

    watched.page.on("console", told)
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    watched.page.on("request", lambda request: None if _near(request.url) else watched.away.append(request.url))
    try:
        yield watched
    finally:
        context.close()


def _near(address: str) -> bool:
    return re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|(data|blob|about):", address) is not None


def use_theme(lab: Lab, theme: str) -> None:
    """Choose JupyterLab's theme, "light" or "dark", for the pages opened or loaded from now on."""
    choice = {"raw": json.dumps({"theme": THEMES[theme]})}
    lab.ask("lab/api/settings/@jupyterlab/apputils-extension:themes", "PUT", choice)


def switch_theme(page: Page, theme: str) -> None:
    """Choose JupyterLab's theme, "light" or "dark", by the menu, with the page left as it is."""
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-item", has_text=re.compile("^Theme$")).hover()
    page.locator(".lm-Menu-item", has_text=re.compile(f"^{THEMES[theme]}$")).click()
    expect(page.locator(f"body[data-jp-theme-name='{THEMES[theme]}']")).to_be_attached()


def open_notebook(watched: Watched, lab: Lab, name: str) -> Locator:
    """Open a notebook of the lab's folder in a workspace of its own and wait for its kernel.

    Returns:
        the notebook; what it shows is looked for in it.

    Raises:
        AssertionError: the server has no kernel that is connected and idle, with what it has.
    """
    page = watched.page
    page.goto(lab.page(f"lab/tree/{name}?reset"))
    notebook = page.locator(".jp-NotebookPanel:visible .jp-Notebook")
    dialog = _dialog(page)
    # The page calls a kernel idle of which there is no process yet, and what it is asked then is lost. Ask the server.
    until = time.monotonic() + PATIENCE / SECONDS
    while not any(map(_listens, kernels := [session["kernel"] for session in lab.ask("api/sessions")])):
        assert time.monotonic() < until, f"{name}: no kernel listens, only {kernels}"
        if dialog.is_visible():
            _answer(dialog)
        page.wait_for_timeout(250)
    expect(notebook).to_be_visible()
    expect(page.locator(_IDLE)).to_be_visible()
    return notebook


def _listens(kernel: dict[str, Any]) -> bool:
    return kernel["execution_state"] == "idle" and kernel["connections"] > 0


def _dialog(page: Page) -> Locator:
    return page.locator("dialog.jp-Dialog")


def _answer(dialog: Locator) -> None:
    """Answer a dialog as a person would.

    A kernel looks for ports that are free and opens them a moment later: if another program was faster, the kernel dies
    and the server starts it again. JupyterLab says so, and everything behind its dialog waits for an answer.

    Raises:
        AssertionError: a dialog that nobody expects, with its text.
    """
    text = dialog.inner_text().strip()
    known = [button for start, button in _DIALOGS.items() if text.startswith(start)]
    assert known, f"JupyterLab asks:\n{text}"
    dialog.get_by_role("button", name=known[0], exact=True).click()
    expect(dialog).to_have_count(0)


def run_all(page: Page, notebook: Locator) -> None:
    """Run all cells by the menu, as a person does, and wait until the last one is done.

    A kernel that has only just started can lose what it is asked, or die of a port that another program took; as a
    person would, the tests then ask again.

    Raises:
        AssertionError: a cell failed or warned, with what it said; the notebook did not come to its end; JupyterLab
            asked something that nobody expects.
    """
    prompts = notebook.locator(".jp-CodeCell .jp-InputPrompt")
    complaints = notebook.locator("[data-mime-type='application/vnd.jupyter.stderr']")  # errors are shown as such, too
    page.add_locator_handler(_dialog(page), _answer)  # whenever one is in the way of a click
    until = time.monotonic() + PATIENCE / SECONDS
    asked = -math.inf
    while True:
        if complaints.count():
            raise AssertionError(f"a cell complained:\n{complaints.first.text_content()}")
        # "[ ]:" not asked for, "[*]:" waits or runs, "[1]:" done; one with its code folded away is bare.
        told = [text for text in prompts.all_text_contents() if text]
        waiting = [text for text in told if not re.search(r"\d", text)]
        idle = page.locator(_IDLE).is_visible()
        if told and not waiting and idle:
            break
        kernel = "idle" if idle else "at work or gone"
        assert time.monotonic() < until, f"{len(waiting)} cells have not run, prompts {told}, the kernel is {kernel}"
        if idle and len(waiting) == len(told) and time.monotonic() > asked + _ANSWERED:
            with contextlib.suppress(PlaywrightTimeout):  # a dialog came between and closed the menu: once more
                page.get_by_role("menuitem", name="Run", exact=True).click(timeout=_CLICK)
                page.get_by_role("menuitem", name="Run All Cells", exact=True).click(timeout=_CLICK)
                asked = time.monotonic()
        page.wait_for_timeout(250)
    page.remove_locator_handler(_dialog(page))


def view_with(page: Page, part: Locator) -> Locator:
    """The live view that holds a part: the innermost box of widgets around it, in a notebook as in the app."""
    return page.locator(".widget-vbox:not(:has(.widget-vbox))").filter(has=part)
