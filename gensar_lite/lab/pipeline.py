"""All stages in order, each kept if it stands already: a run that was killed goes on where it stopped."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gensar_lite import store
from gensar_lite.embed.collaborative import SASRecSettings
from gensar_lite.evaluate.report import read_report
from gensar_lite.evaluate.results import Report
from gensar_lite.identify.settings import IdentifierSettings
from gensar_lite.lab.scoreboard import evaluate_stage
from gensar_lite.lab.stages import GeneratorSettings, embed_stage, identify_stage, log_stage, train_stage
from gensar_lite.log.schema import JointLog
from gensar_lite.log.split import Split


@dataclass(frozen=True)
class RunSettings:
    """Everything that shapes a run.

    Attributes:
        seed: of the identifiers and of the evaluation's sampling; SASRec and the generator carry their own.
        max_cases: test cases per task at most; None for all.
    """

    model: str = "minilm"
    sasrec: SASRecSettings = field(default_factory=SASRecSettings)
    scheme: str = "joint"
    identifiers: IdentifierSettings = field(default_factory=IdentifierSettings)
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)
    seed: int = 0
    max_cases: int | None = None


def run(log: JointLog, out: Path, settings: RunSettings, progress: bool = True) -> Report:
    """Run what is not finished in ``out`` under these settings; returns the scoreboard."""
    split = train_through(log, out, settings, progress)
    made_from = {"log": log.fingerprint(), "train": store.read_manifest(out / "train", "train")["fingerprint"]}
    if finished(out, "evaluate", made_from, {"seed": settings.seed, "max_cases": settings.max_cases}):
        return read_report(out / "evaluate")
    return evaluate_stage(log, split, out, settings.seed, settings.max_cases, progress)


def train_through(log: JointLog, out: Path, settings: RunSettings, progress: bool = True) -> Split:
    """Every stage up to the trained generator, each kept where it stands; returns the split."""
    out = Path(out)
    split = log_stage(log, out)
    made_from = {"log": log.fingerprint()}
    if not finished(out, "embed", made_from, {"model": settings.model, "sasrec": asdict(settings.sasrec)}):
        embed_stage(log, split, out, settings.model, settings.sasrec, progress)
    made_from["embed"] = store.read_manifest(out / "embed", "embed")["fingerprint"]
    wanted = {"scheme": settings.scheme, "seed": settings.seed, **asdict(settings.identifiers)}
    if not finished(out, "identify", made_from, wanted):
        identify_stage(log, split, out, settings.scheme, settings.identifiers, settings.seed, progress)
    identify = store.read_manifest(out / "identify", "identify")["fingerprint"]
    if not finished(out, "train", {"log": made_from["log"], "identify": identify}, settings.generator.facts()):
        train_stage(log, split, out, settings.generator, progress)
    return split


def finished(out: Path, stage: str, inputs: dict[str, str], settings: dict[str, Any]) -> bool:
    """Does the stage stand, made from these inputs with these settings? Says why not, if not."""
    if not (Path(out) / stage / store.MANIFEST).exists():
        print(f"{stage}: begins", flush=True)
        return False
    try:
        manifest = store.read_manifest(Path(out) / stage, stage, inputs)
    except store.StageError as reason:
        print(f"{stage}: {reason}", flush=True)
        return False
    differing = [name for name, value in store.plain(settings).items() if manifest["settings"].get(name) != value]
    print(
        f"{stage}: {'made again, ' + ', '.join(differing) + ' differ' if differing else 'finished, kept'}", flush=True
    )
    return not differing
