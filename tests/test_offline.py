"""The network block bites, in this process, in child processes and in kernels, and lets loopback through."""

import os
import socket
import subprocess
import sys
import urllib.request
from urllib.error import URLError

import nbformat
import pytest

from gensar_lite.lab.offline import block_new_processes, is_local
from gensar_lite.lab.runner import run_notebook

OUTSIDE = ("203.0.113.7", 80)  # an address reserved for documentation: nothing answers there


def test_connections_to_the_outside_are_refused_at_once():
    with socket.socket() as connection, pytest.raises(ConnectionRefusedError, match="203.0.113.7"):
        connection.connect(OUTSIDE)
    with socket.socket() as connection, pytest.raises(ConnectionRefusedError, match="network is refused here"):
        connection.connect_ex(OUTSIDE)
    with (
        socket.socket(type=socket.SOCK_DGRAM) as datagrams,
        pytest.raises(ConnectionRefusedError, match="network is refused here"),
    ):
        datagrams.sendto(b"hello", OUTSIDE)


def test_names_are_not_looked_up():
    with pytest.raises(ConnectionRefusedError, match="example.org"):
        socket.getaddrinfo("example.org", 443)
    with pytest.raises(ConnectionRefusedError, match="network is refused here"):
        socket.gethostbyname("example.org")


def test_libraries_meet_the_block_as_a_connection_error():
    with pytest.raises((URLError, ConnectionError), match="refused here"):
        urllib.request.urlopen("http://example.org", timeout=5)


def test_loopback_still_works():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"hello")
            assert accepted.recv(5) == b"hello"
    assert socket.getaddrinfo("localhost", 80)


@pytest.mark.parametrize(
    ("address", "local"),
    [
        (("127.0.0.1", 1), True),
        (("127.8.0.1", 1), True),
        (("::1", 1, 0, 0), True),
        ("/run/some.socket", True),
        (b"\0abstract", True),
        (None, True),
        ("localhost", True),
        (("10.0.0.1", 1), False),
        (("fe80::1%eth0", 1, 0, 0), False),
        ("127.0.0.1.example.org", False),
        (b"example.org", False),
        ("localhost.example.org", False),
    ],
)
def test_what_counts_as_local(address, local):
    assert is_local(address) is local


def test_child_processes_start_blocked():
    code = "import socket; socket.socket().connect(('203.0.113.7', 80))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert child.returncode != 0
    assert "ConnectionRefusedError: The network is refused here" in child.stderr


def test_hub_libraries_are_told_to_stay_offline():
    assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"


def test_a_start_up_file_that_stood_there_before_still_runs(tmp_path):
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "sitecustomize.py").write_text("print('earlier start-up file')")
    environment = {"PYTHONPATH": str(tmp_path / "earlier")}
    block_new_processes(tmp_path / "block", environment)
    child = subprocess.run([sys.executable, "-c", ""], env=environment, capture_output=True, text=True, timeout=60)
    assert child.stdout == "earlier start-up file\n", child.stderr


def test_the_block_bites_inside_a_notebook_kernel(tmp_path):
    tries = "\n".join(
        [
            "import socket",
            "try:",
            "    socket.create_connection(('203.0.113.7', 80), timeout=5)",
            "except OSError as error:",
            "    print(error)",
        ]
    )
    parameters = nbformat.v4.new_code_cell("PROFILE = 'default'", metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell(tries)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "00_trial.ipynb")
    run_notebook(tmp_path / "00_trial.ipynb", tmp_path / "out.ipynb", {"PROFILE": "smoke"})
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert executed.cells[-1].outputs[0].text.startswith("The network is refused here")
