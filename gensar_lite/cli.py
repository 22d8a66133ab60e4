"""The stages as commands: ``gensar-lite log|embed|identify|train|recommend|search|evaluate|run|inspect|fetch``.

Every stage takes ``--log`` (a folder, or ``corner_shop``) and ``--out`` (the folder all stages of one run share).
Bad input ends in one line on standard error and exit code 2. Heavy packages are imported by the commands that need
them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gensar_lite.evaluate.results import Report
    from gensar_lite.generate.tasks import Action
    from gensar_lite.identify.settings import IdentifierSettings
    from gensar_lite.lab.stages import GeneratorSettings
    from gensar_lite.log.schema import JointLog
    from gensar_lite.log.split import Split

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130


class CommandError(ValueError):
    """A command line that cannot be carried out as it stands."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (0 fine, 1 ``inspect --fail-on`` failed, 2 bad input, 130 interrupted)."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options) or 0
    except KeyboardInterrupt:
        print("gensar-lite: interrupted. Run the same command again to go on where it stopped.", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, OSError) as error:
        print(f"gensar-lite: {_printable(str(error))}", file=sys.stderr)
        return BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gensar-lite", description="Joint generative search & recommendation.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int | None], help: str, out: bool = True):
        part = commands.add_parser(name, help=help, description=help)
        part.set_defaults(command=command)
        part.add_argument("--log", required=True, help="folder of a log, or 'corner_shop' for the embedded data set")
        part.add_argument("--form", default="either", choices=("either", "both"), help="form of Amazon logs")
        part.add_argument("--sort", action="store_true", help="sort events that run backwards instead of refusing them")
        if out:
            part.add_argument("--out", required=True, type=Path, help="folder shared by the stages of one run")
            part.add_argument("--quiet", action="store_true", help="no progress bars")
        return part

    add("log", _log, "read a log, check it, count it, audit it for leaks, and write it in the kit's own form")
    embed = add("embed", _embed, "turn items into two embeddings, one from text and one from clicks")
    identify = add("identify", _identify, "turn embeddings into identifiers")
    train = add("train", _train, "train the generator; goes on after a kill")
    evaluate = add("evaluate", _evaluate, "rank test cases beside the baselines: one table, one JSON")
    run = add("run", _run, "all stages, one after the other")
    for part in (embed, run):
        part.add_argument("--model", default="minilm", help="minilm, tfidf, or a sentence-transformers name or folder")
    for part in (identify, run):
        part.add_argument("--scheme", default="joint", help="joint, semantic-only, joint-kmeans, random, …")
        part.add_argument("--codes", type=int, default=64, help="codes per level, K (default 64)")
        part.add_argument("--shared-levels", type=int, default=2, help="L_m (default 2)")
        part.add_argument("--specific-levels", type=int, default=2, help="L_n (default 2)")
    for part in (train, run):
        part.add_argument("--backbone", default="packed", help="packed, t5, or the name or folder of a pretrained T5")
        part.add_argument("--epochs", type=int, default=None, help="passes over the training targets")
        part.add_argument(
            "--paper-targets",
            action="store_true",
            help="each click is a target of its own task only, as in the paper (default: of both item tasks)",
        )
    for part in (evaluate, run):
        part.add_argument("--cases", type=int, default=None, help="test cases per task at most (default: all)")
    for part in (embed, identify, train, evaluate, run):
        part.add_argument("--seed", type=int, default=0, help="seed of everything random in the stage (default 0)")
    for name, command, help in (
        ("recommend", _recommend, "what next? answer for a history"),
        ("search", _search, "find me …: answer a query after a history"),
    ):
        ask = add(name, command, help)
        ask.add_argument("--user", help="take the history of this user of the log")
        ask.add_argument("--history", default="", help="or give it: 'R_I:ITEM, S_Q:words, S_I:ITEM, …', oldest first")
        ask.add_argument("-k", type=int, default=10, help="answers (default 10)")
        if name == "search":
            ask.add_argument("--query", required=True, help="the words typed")
    _add_inspect(commands)
    fetch = commands.add_parser("fetch", help="download a public log, with its checksum")
    fetch.set_defaults(command=_fetch)
    fetch.add_argument("name", help="data set; 'list' names them")
    fetch.add_argument("--out", required=True, type=Path, help="folder to put it in")
    return parser


def _add_inspect(commands: argparse._SubParsersAction) -> None:
    help = "look into a file of identifiers, yours or anyone's: a report as HTML, JSON and CSV"
    part = commands.add_parser("inspect", help=help, description=help)
    part.set_defaults(command=_inspect)
    part.add_argument("identifiers", type=Path, metavar="IDENTIFIERS", help="the file; its form is recognised")
    part.add_argument("--format", help="its form, if recognising it goes wrong; 'list' names them")
    part.add_argument("--pair", type=Path, help="GenSAR: the other one of the two files")
    part.add_argument("--id-map", type=Path, help="joins the file's keys to item ids: JSON object or two columns")
    part.add_argument("--items", type=Path, help="texts of the items: items.parquet, CSV, TSV or *.item.json")
    part.add_argument("--embeddings", type=Path, help="vectors of the items: .npy, .safetensors or parquet")
    part.add_argument("--log", help="folder of a log, or 'corner_shop'")
    part.add_argument("--against", type=Path, help="a second file of identifiers to compare with")
    part.add_argument("--before", type=Path, help="these identifiers before their collisions were repaired")
    part.add_argument("--other-seed", type=Path, help="what the same scheme makes with another seed, for the churn")
    part.add_argument("--map", default="pca", choices=("pca", "umap"), help="how the map is drawn (default pca)")
    part.add_argument("--out", type=Path, default=Path("report.html"), help="the report (default report.html)")
    part.add_argument("--fail-on", choices=("look", "bad"), help="exit with 1 if the verdict is this or worse")
    part.add_argument("--quiet", action="store_true", help="say nothing on the way")


def _open(options: argparse.Namespace) -> tuple[JointLog, Split]:
    from gensar_lite.lab.setup import keep_to_one_thread
    from gensar_lite.lab.stages import open_log
    from gensar_lite.log.split import leave_one_out

    keep_to_one_thread()
    log = open_log(options.log, options.form, options.sort)
    return log, leave_one_out(log)


def _log(options: argparse.Namespace) -> None:
    from gensar_lite.lab.stages import log_stage
    from gensar_lite.log.audit import audit
    from gensar_lite.log.describe import describe
    from gensar_lite.store import write_json

    log, split = _open(options)
    for note in log.notes:
        print(f"note: {note}")
    print(describe(log, split).to_string(index=False, na_rep=""))
    found = audit(log, split)
    log_stage(log, options.out)
    write_json(options.out / "log" / "audit.json", found.table().to_dict("records"))
    print("\n" + found.table().to_string(index=False, float_format=lambda share: f"{share:.3f}"))
    print(f"\nleaks under the kit's own rule: {found.leaks}; written to {options.out / 'log'}")


def _embed(options: argparse.Namespace) -> None:
    from gensar_lite.embed.collaborative import SASRecSettings
    from gensar_lite.lab.stages import embed_stage

    log, split = _open(options)
    sasrec = SASRecSettings(seed=options.seed)
    views = embed_stage(log, split, options.out, options.model, sasrec, not options.quiet)
    shapes = f"semantic {views.semantic.shape} by {views.source}, collaborative {views.collaborative.shape} by SASRec"
    print(f"{shapes}; written to {options.out / 'embed'}")


def _identify(options: argparse.Namespace) -> None:
    from gensar_lite.identify.table import collisions
    from gensar_lite.lab.stages import identify_stage

    log, split = _open(options)
    settings = _identifier_settings(options)
    table = identify_stage(log, split, options.out, options.scheme, settings, options.seed, not options.quiet)
    for kind in table.kinds:
        print(f"{kind}: {collisions(table.codes[kind]).n_unique} identifiers for {log.n_items} items after repair")
    print(f"written to {options.out / 'identify'}")


def _identifier_settings(options: argparse.Namespace) -> IdentifierSettings:
    from gensar_lite.identify.settings import IdentifierSettings

    return IdentifierSettings(
        shared_levels=options.shared_levels, specific_levels=options.specific_levels, codes=options.codes
    )


def _train(options: argparse.Namespace) -> None:
    from gensar_lite.lab.stages import train_stage

    log, split = _open(options)
    train_stage(log, split, options.out, _generator_settings(options), not options.quiet)
    print(f"trained; written to {options.out / 'train'}")


def _generator_settings(options: argparse.Namespace) -> GeneratorSettings:
    from dataclasses import replace

    from gensar_lite.lab.stages import GeneratorSettings

    settings = GeneratorSettings(backbone=options.backbone)
    schedule = replace(settings.train, seed=options.seed)
    if options.epochs is not None:
        schedule = replace(schedule, epochs=options.epochs)
    mix = settings.mix._replace(extra_targets=not options.paper_targets)
    return replace(settings, train=schedule, mix=mix)


def _evaluate(options: argparse.Namespace) -> None:
    from gensar_lite.lab.scoreboard import evaluate_stage

    log, split = _open(options)
    _show(evaluate_stage(log, split, options.out, options.seed, options.cases, not options.quiet), options)


def _show(report: Report, options: argparse.Namespace) -> None:
    print(report.table().to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    print(f"written to {options.out / 'evaluate'}")


def _run(options: argparse.Namespace) -> None:
    from gensar_lite.embed.collaborative import SASRecSettings
    from gensar_lite.lab.pipeline import RunSettings, run

    log, _ = _open(options)
    settings = RunSettings(
        options.model,
        SASRecSettings(seed=options.seed),
        options.scheme,
        _identifier_settings(options),
        _generator_settings(options),
        options.seed,
        options.cases,
    )
    _show(run(log, options.out, settings, not options.quiet), options)


def _recommend(options: argparse.Namespace) -> None:
    from gensar_lite.lab.stages import open_model

    log, _ = _open(options)
    _print(open_model(log, options.out).recommend(_history(options, log), options.k))


def _search(options: argparse.Namespace) -> None:
    from gensar_lite.lab.stages import open_model

    log, _ = _open(options)
    model = open_model(log, options.out)
    answers = model.search(_history(options, log), options.query, options.k)
    unknown = model.unknown_words(options.query)
    if unknown:
        print(f"note: the model has never read {', '.join(map(repr, unknown))}")
    _print(answers)


def _history(options: argparse.Namespace, log: JointLog) -> tuple[Action, ...]:
    """The history a question is asked after, from ``--user`` or ``--history``."""
    import numpy as np

    from gensar_lite.generate.tasks import Action, actions
    from gensar_lite.log.schema import BEHAVIOURS, QUERY

    if options.user is not None:
        if options.user not in set(log.users):
            raise CommandError(f"--user: '{options.user}' is not in the log. The first is '{log.users[0]}'.")
        user = int(np.flatnonzero(log.users == options.user)[0])
        return actions(log, np.flatnonzero(log.events["user"].to_numpy() == user))
    index = {item_id: number for number, item_id in enumerate(log.items["item_id"])}
    given = []
    for place, part in enumerate(filter(None, (part.strip() for part in options.history.split(",")))):
        behaviour, _, thing = part.partition(":")
        if behaviour not in BEHAVIOURS or not thing:
            raise CommandError(f"--history: '{part}' is not of the form R_I:ITEM, S_I:ITEM or S_Q:words.")
        if behaviour == QUERY:
            given.append(Action(QUERY, query=thing, instant=place))
        elif thing not in index:
            raise CommandError(
                f"--history: item '{thing}' is not in the catalogue. The first is '{log.items['item_id'][0]}'."
            )
        else:
            given.append(Action(behaviour, index[thing], instant=place))
    return tuple(given)


def _print(answers: Sequence) -> None:
    for answer in answers:
        print(f"{answer.rank:3d}  {answer.probability:7.4f}  {answer.item_id:<12} {answer.title}   {answer.identifier}")


def _printable(text: str) -> str:
    """Text without control characters, with which a file's ids could move the cursor of a terminal."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)


def _inspect(options: argparse.Namespace) -> int:
    from gensar_lite.identify.formats import FORMATS

    if options.format == "list":
        print("\n".join(FORMATS))
        return 0
    from gensar_lite.lab.inspect_inputs import Request
    from gensar_lite.lab.inspect_outputs import check_out, failed, write_report
    from gensar_lite.lab.inspection import inspect

    named = ("pair", "id_map", "items", "embeddings", "against", "before", "other_seed")
    files = {name: getattr(options, name) for name in named}
    inputs = [options.identifiers, *files.values()]
    check_out(options.out, inputs)  # before minutes of measuring
    request = Request(options.identifiers, options.format, **files, log=options.log, projection=options.map)
    found = inspect(request, None if options.quiet else lambda line: print(line, file=sys.stderr))
    written = write_report(found, options.out, inputs)
    for finding in found.findings:
        print(_printable(f"{finding.verdict}: {finding.kind}: {finding.examples}"))
    for other in found.further:
        for finding in other.findings:
            print(_printable(f"{other.name}: {finding.verdict}: {finding.kind}: {finding.examples}"))
        if other.role == "against":
            second = found.other[1]
            said = f"verdict: {second.verdict}" if second is not None else f"no verdict: {other.why}"
            print(_printable(f"{other.name}: {said}"))
    for row in found.diagnosis.findings().astype(object).where(lambda frame: frame.notna(), None).to_dict("records"):
        name = ", ".join(str(part) for part in (row["measure"], row["of"], row["kind"]) if part)
        level = "" if row["level"] is None else f", level {row['level']}"
        print(_printable(f"{row['verdict']}: {name}{level}: {row['formula']}"))
    print(f"verdict: {found.verdict}; written to {written.html}, with {', '.join(path.name for path in written[1:])}")
    return FAILED if failed(found.verdict, options.fail_on) else 0


def _fetch(options: argparse.Namespace) -> None:
    from gensar_lite.log import fetch

    if options.name == "list":
        print("\n".join(fetch.names()))
        return
    print(fetch.fetch(options.name, options.out))


if __name__ == "__main__":
    sys.exit(main())
