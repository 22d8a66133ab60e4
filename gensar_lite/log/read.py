"""One door for every log: look at what lies at a path and hand it to the reader that knows the form."""

from __future__ import annotations

from pathlib import Path

from gensar_lite.log.amazon import is_amazon, read_amazon
from gensar_lite.log.checks import LogError
from gensar_lite.log.files import find_table
from gensar_lite.log.joint import read_own, read_shared
from gensar_lite.log.movielens import read_movielens
from gensar_lite.log.schema import JointLog

FORMS = ("either", "both")
KNOWN = """It should be a folder with one of
  - items + events (our own form, parquet or CSV),
  - items + interactions [+ queries] (a shared joint log, parquet or CSV),
  - <category>_5.json[.gz] + meta_<category>.json[.gz] (raw Amazon reviews and metadata),
  - ratings.csv + movies.csv [+ tags.csv] (MovieLens)."""


def read_log(
    path: Path | str, name: str | None = None, form: str = "either", sort: bool = False, seed: int = 2024
) -> JointLog:
    """Read a joint log, whatever form it is in.

    Args:
        path: a folder; see ``KNOWN``.
        name: what to call the log; by default the name it was written under, or the folder's.
        form: only for logs whose searches were made from purchases (Amazon). "either" (default): each purchase is a
            recommendation or a search, so a search target leaves no twin behind. "both": as the official
            preprocessing has it, every search also stands as a recommendation.
        sort: sort events that run backwards in time instead of refusing them. (Raw Amazon and MovieLens files come in
            no order and are always sorted.)
        seed: only for raw Amazon files: draws which purchases become searches.

    Raises:
        LogError: nothing known lies there, or the log is not sound; with file, row and remedy.
    """
    path = Path(path)
    if form not in FORMS:
        raise LogError(f"form {form!r} is unknown. Use 'either' (leak-free) or 'both' (as the official data).")
    if not path.exists():
        raise LogError(f"{path}: no such file or folder. {KNOWN}")
    if not path.is_dir():
        raise LogError(f"{path} is a file. Give the folder that holds the log. {KNOWN}")
    try:
        found = sorted(entry.name for entry in path.iterdir())
    except OSError as error:
        raise LogError(f"{path}: cannot be read ({error.strerror}). Check its permissions.") from None
    if find_table(path, "events"):
        return read_own(path, name, sort)
    if find_table(path, "interactions"):
        return read_shared(path, name, form, sort)
    if is_amazon(path):
        return read_amazon(path, name, form, seed)
    if find_table(path, "ratings"):
        return read_movielens(path, name)
    raise LogError(f"{path}: no log known here (found: {', '.join(found[:12]) or 'nothing'}). {KNOWN}")
