"""Downloads: from a server on this machine, from none at all, and from servers that misbehave."""

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gensar_lite.log import fetch as module
from gensar_lite.log.fetch import ARCHIVES, BY_HAND, Archive, FetchError, fetch, names
from gensar_lite.log.read import read_log


def packed(names_and_texts: dict[str, str]) -> bytes:
    """A zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in names_and_texts.items():
            file.writestr(name, text)
    return buffer.getvalue()


ZIP = packed(
    {
        "ml-tiny/README.txt": "terms",
        "ml-tiny/movies.csv": "movieId,title,genres\n1,Heat,Crime\n2,Toy,Fun\n",
        "ml-tiny/ratings.csv": "userId,movieId,rating,timestamp\n1,1,4,10\n1,2,4,20\n",
        "ml-tiny/tags.csv": "userId,movieId,tag,timestamp\n1,2,funny,30\n",
        "ml-tiny/links.csv": "movieId,imdbId\n",
        "../evil.csv": "outside",
        "other/ratings.csv": "not this one",
    }
)


class Site:
    """What the server gives: ``content``, cut after ``cut`` bytes; ``asked`` counts the requests."""

    def __init__(self) -> None:
        self.content, self.cut, self.asked, self.url = ZIP, len(ZIP), 0, ""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server on this machine, and a data set "tiny" that lies on it."""
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked += 1
            if not self.path.endswith("ml-tiny.zip"):
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(state.content)))
            self.end_headers()
            self.wfile.write(state.content[: state.cut])

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    source = Archive(f"{state.url}/ml-tiny.zip", hashlib.sha256(ZIP).hexdigest(), "ml-tiny", "https://terms.example")
    monkeypatch.setattr(module, "ARCHIVES", {"tiny": source})
    yield state
    server.shutdown()
    server.server_close()


def leftovers(folder: Path) -> list[str]:
    """Everything below a folder, hidden files too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_data_set_is_downloaded_checked_unpacked_and_readable(tmp_path, site):
    folder = fetch("tiny", tmp_path / "new" / "data")
    assert folder == tmp_path / "new" / "data" / "ml-tiny"
    assert leftovers(tmp_path / "new" / "data") == [
        "ml-tiny",
        "ml-tiny.zip",
        "ml-tiny/README.txt",
        "ml-tiny/movies.csv",
        "ml-tiny/ratings.csv",
        "ml-tiny/tags.csv",
    ]
    log = read_log(folder)
    assert log.events["behaviour"].tolist() == ["R_I", "R_I", "S_Q", "S_I"]


def test_what_is_there_is_not_downloaded_again(tmp_path, site):
    first = fetch("tiny", tmp_path)
    (first / "tags.csv").unlink()  # the user's own change stays
    assert fetch("tiny", str(tmp_path)) == first
    assert site.asked == 1 and not (first / "tags.csv").exists()


def test_without_a_network_an_archive_put_there_by_hand_is_enough(tmp_path, site):
    (tmp_path / "ml-tiny.zip").write_bytes(ZIP)
    assert read_log(fetch("tiny", tmp_path)).n_items == 2
    assert site.asked == 0


def test_an_archive_by_hand_with_another_checksum_is_refused_and_kept(tmp_path, site):
    (tmp_path / "ml-tiny.zip").write_bytes(ZIP + b"!")
    with pytest.raises(FetchError, match=r"ml-tiny.zip: the checksum is not that of the published file.*Delete it"):
        fetch("tiny", tmp_path)
    assert leftovers(tmp_path) == ["ml-tiny.zip"] and site.asked == 0


def test_another_file_in_its_place_is_thrown_away(tmp_path, site):
    site.content = packed({"ml-tiny/ratings.csv": "a login page"})
    site.cut = len(site.content)
    with pytest.raises(FetchError, match="is not the file whose checksum was published.*A proxy"):
        fetch("tiny", tmp_path / "new")
    assert leftovers(tmp_path) == []


def test_a_connection_that_breaks_leaves_nothing(tmp_path, site):
    site.cut = len(ZIP) // 2
    with pytest.raises(FetchError, match="tiny: could not be downloaded"):
        fetch("tiny", tmp_path / "new")
    assert leftovers(tmp_path) == []


def test_a_page_that_is_gone(tmp_path, site, monkeypatch):
    gone = module.ARCHIVES["tiny"]._replace(url=f"{site.url}/elsewhere.zip")
    monkeypatch.setattr(module, "ARCHIVES", {"tiny": gone})
    with pytest.raises(FetchError, match="could not be downloaded .*404"):
        fetch("tiny", tmp_path)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("name", list(ARCHIVES))
def test_without_a_network_one_is_told_what_to_do(tmp_path, name):
    """The tests run without a network, so this is the real thing."""
    with pytest.raises(FetchError) as caught:
        fetch(name, tmp_path / "deep" / "data")
    message = str(caught.value)
    archive = ARCHIVES[name].url.rsplit("/", 1)[-1]
    assert f"{name}: could not be downloaded (no network, or files.grouplens.org does not answer)" in message
    assert f"download {ARCHIVES[name].url} on a computer with a network" in message
    assert f"put the file here as {tmp_path / 'deep' / 'data' / archive}, and run the same command again" in message
    assert ARCHIVES[name].page in message
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("name", list(BY_HAND))
def test_data_sets_without_a_published_checksum_are_for_people(tmp_path, name):
    with pytest.raises(FetchError, match="nobody publishes checksums") as caught:
        fetch(name, tmp_path / "data")
    message = str(caught.value)
    assert all(url in message for url in BY_HAND[name].urls)
    assert str(tmp_path / "data" / name) in message and "--log" in message
    assert leftovers(tmp_path) == []


def test_unknown_names_are_answered_with_the_known_ones(tmp_path):
    with pytest.raises(FetchError, match="no data set is called 'netflix'.*movielens-small.*amazon-office"):
        fetch("netflix", tmp_path)
    assert names() == (*ARCHIVES, *BY_HAND)


def test_nowhere_to_write(tmp_path, site):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FetchError, match="file.*cannot be written .*Give another folder"):
        fetch("tiny", tmp_path / "file" / "data")
    assert leftovers(tmp_path) == ["file"] and site.asked == 0


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path, site):
    tmp_path.chmod(0o500)
    with pytest.raises(FetchError, match="cannot be written"):
        fetch("tiny", tmp_path)
    tmp_path.chmod(0o700)


def test_an_archive_that_cannot_be_unpacked_leaves_no_folder(tmp_path, site, monkeypatch):
    broken = b"PK not a zip file"
    site.content, site.cut = broken, len(broken)
    source = module.ARCHIVES["tiny"]._replace(sha256=hashlib.sha256(broken).hexdigest())
    monkeypatch.setattr(module, "ARCHIVES", {"tiny": source})
    with pytest.raises(FetchError, match="ml-tiny.zip: could not be unpacked .*Delete it and fetch it again"):
        fetch("tiny", tmp_path)
    assert leftovers(tmp_path) == ["ml-tiny.zip"]


def test_checksums_look_like_checksums():
    for source in ARCHIVES.values():
        assert len(bytes.fromhex(source.sha256)) == 32
        assert source.url.startswith("https://")
