"""Every test runs offline: this process and all Python processes it starts refuse everything but loopback."""

import os
import tempfile
from pathlib import Path

import pytest

from gensar_lite.lab.offline import block_network, block_new_processes

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how long each notebook took in the smoke profile: reported, not judged."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    lines = sorted(value for report in reports for name, value in report.user_properties if name == "notebook")
    if lines:
        terminalreporter.section("notebooks in the smoke profile")
        terminalreporter.write_line("\n".join(lines))
