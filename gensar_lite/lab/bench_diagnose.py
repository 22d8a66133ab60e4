"""How long a large catalogue takes to be diagnosed, and a middling one to be reported on, each in a process of its own.

``python -m gensar_lite.lab.bench_diagnose [--items 1000000] [--levels 4] [--codes 256] [--reported 12000] [--seed 0]
[--out FILE]``
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gensar_lite import store

_DIAGNOSE = """
import json, resource, sys, time
import numpy as np
from gensar_lite.identify.diagnose import diagnose
from gensar_lite.lab.bench_diagnose import made_up_table
items, levels, codes, seed = map(int, sys.argv[1:])
table = made_up_table(items, levels, codes, seed)
wall, cpu = time.perf_counter(), time.process_time()
found = diagnose(table, seed=seed)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"wall": wall, "cpu": cpu, "rss": usage.ru_maxrss, "rows": len(found.frame)}))
"""

_REPORT = """
import json, resource, sys, time
from gensar_lite.cli import main
wall, cpu = time.perf_counter(), time.process_time()
given = ["--items", sys.argv[2], "--embeddings", sys.argv[3], "--out", sys.argv[4], "--quiet"]
code = main(["inspect", sys.argv[1], *given])
assert code == 0, f"inspect ended with exit code {code}"
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps({"wall": wall, "cpu": cpu, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""

_IMPORT = """
import time
wall, cpu = time.perf_counter(), time.process_time()
import gensar_lite.identify.diagnose
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


@dataclass(frozen=True)
class DiagnoseCost:
    """What a diagnosis of codes alone costs.

    Attributes:
        items, levels, codes: size of the table.
        wall_seconds, cpu_seconds: of ``diagnose``; making the table is not counted.
        peak_mb: largest resident memory of the process, table and libraries included, in 10^6 bytes.
        measures: rows of the report.
        import_wall_seconds, import_cpu_seconds: of ``import gensar_lite.identify.diagnose``, least of three.
    """

    items: int
    levels: int
    codes: int
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    measures: int
    import_wall_seconds: float
    import_cpu_seconds: float


@dataclass(frozen=True)
class ReportCost:
    """What ``gensar-lite inspect`` costs with texts and embeddings; the map is drawn by PCA.

    Attributes:
        items, width: size of the catalogue and of its vectors.
        wall_seconds, cpu_seconds: of the whole command, reading and writing included, imports not.
        peak_mb: largest resident memory of the process, in 10^6 bytes.
        page_mb: size of the HTML report, in 10^6 bytes.
    """

    items: int
    width: int
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    page_mb: float


def made_up_table(items: int, levels: int, codes: int, seed: int):
    """An identifier table with unequally frequent codes (Zipf, exponent 0.7, in an order of its own per level)."""
    import numpy as np

    from gensar_lite.identify.table import SEMANTIC, IdentifierTable

    random = np.random.default_rng(seed)
    frequent = 1 / np.arange(1, codes + 1) ** 0.7
    columns = [random.choice(random.permutation(codes), items, p=frequent / frequent.sum()) for _ in range(levels)]
    ids = np.arange(items).astype(str).astype(object)
    return IdentifierTable("made up", ids, {SEMANTIC: np.stack(columns, axis=1)}, {SEMANTIC: (codes,) * levels}, levels)


def diagnose_cost(items: int = 1_000_000, levels: int = 4, codes: int = 256, seed: int = 0) -> DiagnoseCost:
    """Diagnose a made-up table without embeddings in a fresh process, and time the import in three more.

    Raises:
        RuntimeError: a process failed; its last words are in the message.
    """
    found = json.loads(_run(_DIAGNOSE, items, levels, codes, seed))
    imports = [tuple(map(float, _run(_IMPORT).split())) for _ in range(3)]
    wall, cpu = (min(column) for column in zip(*imports))
    return DiagnoseCost(items, levels, codes, found["wall"], found["cpu"], _peak(found), found["rows"], wall, cpu)


def report_cost(items: int = 12_000, levels: int = 4, codes: int = 64, width: int = 384, seed: int = 0) -> ReportCost:
    """Report on a made-up catalogue in a fresh process: its vectors are sums of code words and noise, its texts name
    the codes.

    Raises:
        RuntimeError: the process failed; its last words are in the message.
    """
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(seed)
    made = made_up_table(items, levels, codes, seed).codes["semantic"]
    books = random.standard_normal((levels, codes, width)) * 0.6 ** np.arange(levels)[:, None, None]
    vectors = sum(book[column] for book, column in zip(books, made.T)) + 0.1 * random.standard_normal((items, width))
    names = [" ".join(f"{chr(97 + level)}{code}" for level, code in enumerate(row)) for row in made]
    ids = [str(item) for item in range(items)]
    with TemporaryDirectory() as folder:
        index, texts, matrix, page = (
            Path(folder) / name for name in ("index.json", "items.parquet", "v.npy", "report.html")
        )
        spelled = [[f"<{chr(97 + level)}_{code}>" for level, code in enumerate(row)] for row in made]
        store.write_json(index, dict(zip(ids, spelled)))
        kinds = [f"kind {row[0]}" for row in made]
        pd.DataFrame(
            {
                "item_id": ids,
                "title": names,
                "description": [f"Comes with {name}" for name in names],
                "categories": kinds,
            }
        ).to_parquet(texts)
        np.save(matrix, vectors.astype(np.float32))
        found = json.loads(_run(_REPORT, index, texts, matrix, page))
        megabytes = page.stat().st_size / 1e6
    return ReportCost(items, width, found["wall"], found["cpu"], _peak(found), megabytes)


def _peak(found: dict) -> float:
    kilobyte = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss
    return found["rss"] * kilobyte / 1e6


def main(arguments: list[str] | None = None) -> None:
    """Print the costs, and write them as JSON if asked."""
    parser = argparse.ArgumentParser(
        prog="python -m gensar_lite.lab.bench_diagnose", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--items", type=int, default=1_000_000, help="identifiers (default: %(default)s)")
    parser.add_argument("--levels", type=int, default=4, help="codes per identifier (default: %(default)s)")
    parser.add_argument("--codes", type=int, default=256, help="codes per level (default: %(default)s)")
    parser.add_argument("--reported", type=int, default=12_000, help="items of the report (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None, help="write the figures to this JSON file")
    given = parser.parse_args(arguments)
    cost = diagnose_cost(given.items, given.levels, given.codes, given.seed)
    print(f"{cost.items:,} identifiers x {cost.levels} levels of {cost.codes} codes, {cost.measures} measures")
    print(f"diagnose: {cost.wall_seconds:.2f} s wall, {cost.cpu_seconds:.2f} s CPU, peak memory {cost.peak_mb:.0f} MB")
    print(
        f"import gensar_lite.identify.diagnose: {cost.import_wall_seconds:.2f} s wall, "
        f"{cost.import_cpu_seconds:.2f} s CPU (least of three)"
    )
    report = report_cost(given.reported, seed=given.seed)
    print(
        f"report on {report.items:,} items with texts and vectors of {report.width}: {report.wall_seconds:.1f} s wall, "
        f"{report.cpu_seconds:.1f} s CPU, peak memory {report.peak_mb:.0f} MB, page {report.page_mb:.1f} MB"
    )
    if given.out:
        store.write_json(given.out, {"diagnose": asdict(cost), "report": asdict(report)})


def _run(code: str, *arguments: int | Path) -> str:
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"The benchmark process failed: {done.stderr.strip()[-500:]}")
    return done.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    main()
