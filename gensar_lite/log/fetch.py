"""Download public originals: whole, with a checksum that somebody else published, or not at all.

Data sets for which nobody publishes a checksum are not downloaded; the message says how to get them by hand. Nothing
here is shipped with this project: the owners' terms apply to whoever downloads.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

from gensar_lite import store


class FetchError(ValueError):
    """A data set could not be fetched. The message says what to do by hand."""


class Archive(NamedTuple):
    """A zip file with one folder of tables inside."""

    url: str
    sha256: str
    folder: str  # inside the archive, and what it becomes beside it
    page: str  # where its terms stand


class ByHand(NamedTuple):
    """Files without a published checksum: a person downloads them."""

    urls: tuple[str, ...]
    page: str


TABLES = ("ratings.csv", "movies.csv", "tags.csv", "README.txt")  # the last one holds the terms
GROUPLENS = "https://grouplens.org/datasets/movielens/"
_ML = "https://files.grouplens.org/datasets/movielens/"
# SHA-256 as published in tensorflow/datasets, tensorflow_datasets/url_checksums/movielens.txt.
ARCHIVES = {
    "movielens-small": Archive(
        f"{_ML}ml-latest-small.zip",
        "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
        "ml-latest-small",
        GROUPLENS,
    ),
    "movielens-20m": Archive(
        f"{_ML}ml-20m.zip", "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3", "ml-20m", GROUPLENS
    ),
    "movielens-25m": Archive(
        f"{_ML}ml-25m.zip", "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa", "ml-25m", GROUPLENS
    ),
}
_V1 = "https://snap.stanford.edu/data/amazon/productGraph/categoryFiles/"
_V2 = "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_v2/"
BY_HAND = {
    "amazon-office": ByHand(
        (f"{_V1}reviews_Office_Products_5.json.gz", f"{_V1}meta_Office_Products.json.gz"),
        "https://cseweb.ucsd.edu/~jmcauley/datasets/amazon/links.html",
    ),
    "amazon-scientific": ByHand(
        (
            f"{_V2}categoryFilesSmall/Industrial_and_Scientific_5.json.gz",
            f"{_V2}metaFiles2/meta_Industrial_and_Scientific.json.gz",
        ),
        "https://cseweb.ucsd.edu/~jmcauley/datasets/amazon_v2/",
    ),
    "amazon-gift-cards": ByHand(
        (f"{_V2}categoryFilesSmall/Gift_Cards_5.json.gz", f"{_V2}metaFiles2/meta_Gift_Cards.json.gz"),
        "https://cseweb.ucsd.edu/~jmcauley/datasets/amazon_v2/",
    ),
}


def names() -> tuple[str, ...]:
    """What ``fetch`` knows, those it can download first."""
    return (*ARCHIVES, *BY_HAND)


def fetch(name: str, folder: Path | str) -> Path:
    """Download a data set into ``folder`` and unpack it there.

    An archive that lies there already, with the right checksum, is not downloaded again: that is also how a computer
    without a network is served.

    Returns:
        the folder to give to ``read_log``.

    Raises:
        FetchError: unknown name, no network, wrong checksum, nowhere to write, or a data set to get by hand. Nothing
            half-written is left behind.
    """
    folder = Path(folder)
    if name in BY_HAND:
        raise FetchError(_instructions(name, BY_HAND[name], folder))
    if name not in ARCHIVES:
        raise FetchError(f"no data set is called {name!r}. There are: {', '.join(names())}.")
    source = ARCHIVES[name]
    with _made(folder):
        archive = _download(name, source, folder)
        return _unpack(source, archive, folder)


def _download(name: str, source: Archive, folder: Path) -> Path:
    archive = folder / source.url.rsplit("/", 1)[-1]
    if archive.exists() and store.file_hash(archive) == source.sha256:
        return archive
    by_hand = (
        f"By hand: download {source.url} on a computer with a network, put the file here as {archive}, and run the "
        f"same command again; it checks and unpacks it. Terms: {source.page}"
    )
    if archive.exists():
        raise FetchError(
            f"{archive}: the checksum is not that of the published file ({source.sha256[:12]}...). Delete it, then run "
            f"the same command again. {by_hand}"
        )
    import pooch

    progress = sys.stderr.isatty()
    try:
        # A checksum that does not fit, or a connection that breaks, leaves nothing: pooch downloads beside and moves.
        pooch.retrieve(
            source.url,
            known_hash=f"sha256:{source.sha256}",
            fname=archive.name,
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=progress, timeout=30),
        )
    except OSError as error:  # requests' errors among them: no network, no such page, a broken connection
        raise FetchError(f"{name}: could not be downloaded ({_reason(error, source.url)}). {by_hand}") from None
    except ValueError:
        raise FetchError(
            f"{name}: what {source.url} gives now is not the file whose checksum was published, so it was thrown away. "
            f"A proxy may have answered in its place. {by_hand}"
        ) from None
    return archive


def _unpack(source: Archive, archive: Path, folder: Path) -> Path:
    """Take the tables out of the archive; the folder appears when all are there."""
    target = folder / source.folder
    if target.exists():
        return target
    part = Path(tempfile.mkdtemp(dir=folder, prefix=f".{source.folder}."))
    try:
        with zipfile.ZipFile(archive) as packed:
            for member in packed.namelist():
                inside = PurePosixPath(member)
                if inside.parts[:-1] == (source.folder,) and inside.name in TABLES:
                    (part / inside.name).write_bytes(packed.read(member))
        part.chmod(0o755)
        part.rename(target)
    except (OSError, zipfile.BadZipFile) as error:
        raise FetchError(f"{archive}: could not be unpacked ({_short(error)}). Delete it and fetch it again.") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder; if what follows fails, take away again what was made and is still empty."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "no permission to write")
    except OSError as error:
        raise FetchError(f"{folder}: cannot be written ({_short(error)}). Give another folder.") from None
    try:
        yield
    except BaseException:
        for path in new:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _instructions(name: str, source: ByHand, folder: Path) -> str:
    files = "\n".join(f"  {url}" for url in source.urls)
    return (
        f"{name}: nobody publishes checksums for these files, so they are not downloaded here. By hand: read the terms "
        f"at {source.page}, download\n{files}\ninto {folder / name}, and give that folder as the log (--log)."
    )


def _reason(error: OSError, url: str) -> str:
    import requests

    if isinstance(error, requests.exceptions.ConnectionError):
        return f"no network, or {urlsplit(url).netloc} does not answer"
    return _short(error)


def _short(error: Exception) -> str:
    text = str(getattr(error, "strerror", None) or error).splitlines()
    return (text[0] if text else type(error).__name__)[:160]
