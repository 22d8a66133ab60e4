"""Every test runs offline: this process and all Python processes it starts refuse everything but loopback."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gensar_lite.lab.offline import block_network, block_new_processes

if TYPE_CHECKING:
    from browser_support import Lab
    from playwright.sync_api import Browser

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side; each keeps to one core
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

_start_up_files = tempfile.TemporaryDirectory(prefix="gensar-offline-")
block_new_processes(Path(_start_up_files.name))
block_network()

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Debian's Chromium; tests that ask for it are skipped where there is none.

    Closed after each module: as long as it is open an event loop runs, and tests with a loop of their own cannot.
    """
    import browser_support

    if browser_support.chromium() is None:
        pytest.skip("no Chromium here: on Debian, apt-get install chromium")
    with browser_support.open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def lab(browser: "Browser", root: Path, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Lab]":
    """A running JupyterLab on copies of the lessons in the smoke profile. It asks for the browser, to skip with it."""
    import browser_support

    folder = tmp_path_factory.mktemp("jupyter")
    browser_support.copy_smoke(root / "notebooks", folder / "notebooks")
    with browser_support.open_lab(folder) as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how long each notebook took in the smoke profile: reported, not judged."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    lines = sorted(value for report in reports for name, value in report.user_properties if name == "notebook")
    if lines:
        terminalreporter.section("notebooks in the smoke profile")
        terminalreporter.write_line("\n".join(lines))
