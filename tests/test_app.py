"""The app: cut from the lesson, served on loopback, without code and without a way to run any."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from gensar_lite.lab import app
from gensar_lite.lab.export import remote_sources

SECONDS = 240  # a loaded machine is slow; only what hangs meets this
needs_voila = pytest.mark.skipif(find_spec("voila") is None, reason="Voila is not installed")


def lesson(*cells):
    return new_notebook(cells=[new_markdown_cell("# Why?\n\nMuch more text."), *cells])


# ---- the cut -----------------------------------------------------------------------------------------------------


def test_the_title_and_the_tagged_cells_are_cut_out():
    tagged = {"tags": ["app", "parameters"]}
    told = app.cut(
        lesson(
            new_code_cell("a = 1", metadata=tagged, outputs=[]),
            new_markdown_cell("left out"),
            new_code_cell("left_out = 1", metadata={"tags": ["solution"]}),
            new_markdown_cell("try", metadata={"tags": ["app"]}),
        )
    )
    assert [(cell.cell_type, cell.source) for cell in told.cells] == [
        ("markdown", "# Why?"),
        ("code", "a = 1"),
        ("markdown", "try"),
    ]
    assert told.metadata.title == "Why?" and told.metadata.kernelspec.name == "python3"
    nbformat.validate(told)


@pytest.mark.parametrize("cells", [[], [new_markdown_cell("try", metadata={"tags": ["app"]})]])
def test_a_lesson_without_anything_to_show_is_refused(cells):
    with pytest.raises(ValueError, match="tagged 'app'"):
        app.cut(lesson(*cells))


def test_a_lesson_without_a_title_is_refused():
    with pytest.raises(ValueError, match="title"):
        app.cut(new_notebook(cells=[new_markdown_cell("Why?")]))


def test_what_is_cut_from_the_real_lesson_is_whole(root):
    cells = app.cut(nbformat.read(root / "notebooks" / app.LESSON, as_version=4)).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    compile(code, "app", "exec")
    for view in ("BehaviourFlip(", "BeamTree(", "HistoryChips("):
        assert view in code
    for rest in ("checks.check", "record.record", "train_live"):
        assert rest not in code
    assert len(cells) < 12


# ---- how it is started -------------------------------------------------------------------------------------------


def test_what_keeps_the_page_safe_is_said_to_voila():
    told = app.settings(Path("flip.ipynb"), "127.0.0.1", 8866, "light", False)
    for option in (
        "--Voila.ip=127.0.0.1",
        "--VoilaConfiguration.strip_sources=True",
        "--VoilaConfiguration.file_allowlist=$.",
        "--VoilaConfiguration.show_tracebacks=False",
        "--Voila.open_browser=False",
    ):
        assert option in told
    assert not any(re.search("$.", path) for path in ("a.png", "", "\n", "a\nb"))


def test_only_loopback_is_served_without_a_word(tmp_path, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(app, "serve", started.append)
    monkeypatch.setattr(app, "prepare", lambda environment, folder: None)
    for ip, warned in (("127.0.0.1", False), ("0.0.0.0", True), ("", True), ("192.168.0.7", True)):
        app.main(["--no-browser", "--out", str(tmp_path), "--ip", ip])
        assert f"--Voila.ip={ip}" in started[-1]
        assert ("everyone" in capsys.readouterr().err) is warned
    app.main(["--no-browser", "--out", str(tmp_path)])
    assert "--Voila.ip=127.0.0.1" in started[-1]


def test_the_environment_keeps_what_the_user_has_set(tmp_path):
    environment = {"JUPYTER_PATH": "/mine", "OMP_NUM_THREADS": "4"}
    app.prepare(environment, tmp_path)
    assert environment["JUPYTER_PATH"] == f"{tmp_path / 'jupyter'}{os.pathsep}/mine"
    assert environment["OMP_NUM_THREADS"] == "4" and environment["GENSAR_OFFLINE"] == "1"


# ---- a running app -----------------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# What a user may have set for a Voila of their own, and what must not open up this one.
CARELESS = {
    "Voila": {"ip": "0.0.0.0"},
    "VoilaConfiguration": {"strip_sources": False, "show_tracebacks": True, "file_allowlist": [".*"]},
}


class Running(NamedTuple):
    """The app, started as a person would.

    Attributes:
        server: its process.
        address: "http://127.0.0.1:PORT", no slash at the end.
        log: file with what it says.
        mark: value of MARK in the environment of all its processes.
    """

    server: subprocess.Popen
    address: str
    log: Path
    mark: str

    def wait_for(self, what):
        """Wait until ``what()`` is true."""
        until = time.monotonic() + SECONDS
        while not what():
            assert self.server.poll() is None and time.monotonic() < until, self.log.read_text()[-3000:]
            time.sleep(0.2)

    def processes(self):
        """The app's processes that live, its kernels too."""
        return [one for one in psutil.process_iter(["environ"]) if (one.info["environ"] or {}).get(MARK) == self.mark]

    def stop(self, by=signal.SIGTERM):
        """Stop it and give what is left; nothing should be."""
        self.server.send_signal(by)
        try:
            self.server.wait(timeout=SECONDS)
            _, left = psutil.wait_procs(self.processes(), timeout=10)  # a kernel that was starting sees it within 1 s
        finally:
            for one in self.processes():
                one.kill()
        return left


MARK = "GENSAR_TEST_APP"


def _listen_to_ctrl_c():
    """A shell's background jobs inherit an ignored SIGINT, and these tests may be one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running(folder):
    port, mark = free_port(), uuid.uuid4().hex
    (folder / "config").mkdir()
    (folder / "config" / "voila.json").write_text(json.dumps(CARELESS))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "JUPYTER"))}
    environment |= {MARK: mark, "JUPYTER_CONFIG_DIR": str(folder / "config")}
    command = [sys.executable, "-m", "gensar_lite.lab.app", "--no-browser", f"--port={port}", f"--out={folder}"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT, preexec_fn=_listen_to_ctrl_c
        )
    started = Running(server, f"http://127.0.0.1:{port}", folder / "log", mark)
    try:
        yield started
    finally:
        if server.poll() is None:
            started.stop()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with running(tmp_path_factory.mktemp("app")) as started:
        started.wait_for(lambda: "pool" in started.log.read_text())  # the first page is ready
        yield started.address


@pytest.fixture(scope="module")
def page(address):
    with urllib.request.urlopen(f"{address}/", timeout=SECONDS) as answer:
        return answer.read().decode()


@needs_voila
@pytest.mark.timeout(2 * SECONDS)
def test_the_page_shows_the_views_and_no_code(page):
    assert page.count("application/vnd.jupyter.widget-view+json") == 2  # the flip and the tree
    assert "Same shopper, flip one token" in page and "<title>Same shopper" in page
    assert "Traceback" not in page
    for code in ("open_artefacts", "from functools", "partial("):
        assert code not in page
    assert re.search(r'class="[^"]*jp-InputArea-editor', page) is None


@needs_voila
@pytest.mark.timeout(2 * SECONDS)
def test_the_page_loads_nothing_from_elsewhere(page):
    assert remote_sources(page) == []


@needs_voila
@pytest.mark.timeout(2 * SECONDS)
def test_nothing_that_stands_in_the_address_is_written_into_the_page(address, page):
    hostile = quote('"><script>alert(1)</script>')
    with urllib.request.urlopen(f"{address}/?theme={hostile}&template={hostile}", timeout=SECONDS) as answer:
        page = answer.read().decode()
    assert "Same shopper" in page and "alert(1)" not in page


@needs_voila
@pytest.mark.parametrize(
    "path",
    [
        "voila/files/flip.ipynb",
        "voila/files/log",
        "voila/files/../../../etc/passwd",
        "voila/files/a.png",
        "api/contents",
        "api/terminals",
        "api/kernels",
        "api/kernelspecs",
        "tree",
        "lab",
    ],
)
def test_no_files_and_no_other_pages_are_served(address, page, path):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/{path}", timeout=SECONDS)
    assert refused.value.code in (403, 404, 405)


@needs_voila
def test_only_this_machine_can_connect(address, page):
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("no /proc here to read the listening sockets from")
    port = f"{int(address.rsplit(':', 1)[1]):04X}"
    listening = [line.split()[1] for line in table.read_text().splitlines()[1:] if line.split()[3] == "0A"]
    assert [place.split(":")[0] for place in listening if place.endswith(f":{port}")] == ["0100007F"]


@needs_voila
@pytest.mark.timeout(2 * SECONDS)
def test_the_kernel_of_a_page_runs_no_code_sent_to_it(address, page, tmp_path):
    from tornado.ioloop import IOLoop

    kernel = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])["kernelId"]
    marker = tmp_path / "ran"
    kinds = IOLoop(make_current=False).run_sync(lambda: talk(address, kernel, f"open({str(marker)!r}, 'w')"))
    assert "kernel_info_reply" in kinds  # it listens …
    assert "execute_reply" not in kinds and not marker.exists()  # … and does not obey


async def talk(address, kernel, code):
    """Send code and then a harmless question down a kernel's line; the kinds of messages that came back till then."""
    from jupyter_client.session import Session
    from tornado.websocket import websocket_connect

    session = Session()
    line = await websocket_connect(f"{address.replace('http', 'ws')}/api/kernels/{kernel}/channels")
    asked = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    for kind, content in (("execute_request", asked), ("kernel_info_request", {})):
        message = session.msg(kind, content)
        message["channel"] = "shell"
        line.write_message(json.dumps(message, default=str))
    kinds = []
    while "kernel_info_reply" not in kinds and len(kinds) < 50:
        kinds.append(json.loads(await line.read_message())["msg_type"])
    line.close()
    return kinds


@needs_voila
@pytest.mark.timeout(3 * SECONDS)
def test_in_a_browser_the_flip_answers_and_nothing_is_asked_of_the_network(address, browser):
    import browser_support

    with browser_support.open_page(browser) as watched:
        page = watched.page
        page.goto(f"{address}/")
        browser_support.expect(page.locator(".gs-flip")).to_be_visible()
        browser_support.expect(page.locator(".gs-beam")).to_be_visible()
        page.get_by_label("query", exact=True).fill("<img src=x onerror=alert(1)>")
        page.get_by_label("query", exact=True).press("Enter")
        browser_support.expect(page.locator(".gs-now .gs-asked")).to_have_text(
            "search for “<img src=x onerror=alert(1)>”"
        )
        assert page.locator(".gs-flip img").count() == 0
        watched.check()


@needs_voila
@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_stopped_while_a_kernel_is_at_work_it_leaves_nothing_behind(tmp_path, by):
    with running(tmp_path) as started:
        started.wait_for(lambda: len(started.processes()) > 1)
        assert started.stop(by) == []
