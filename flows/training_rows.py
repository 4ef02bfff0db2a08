"""`ninefold tuning show`: rows as tuning trains on them, before anything is trained.

The lifecycle's page is walked as far as its steps are sealed; only the data step is done where it is not. Where the walk
comes to tuning, the rows are those that this run trains on; where it ends before, they are shown with what selection starts
from: the first model that can run here and, where there is a knowledge base, BM25's best passage.
Not covered: the second training, with rows that nobody collected; preference pairs.
"""

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from rich.console import Console
from rich.text import Text

from components.core import BadInput, Candidate, Dataset, GateRefused, Step, Workspace, digest_of
from components.selection import Config as SelectionConfig
from components.selection import first
from components.tuning import Config
from flows.approve import printable
from flows.run import Run
from flows.start import quiet_libraries

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from components.training.examples import Example

LONGEST = 5
"""Lengths that are listed."""
MARKS = "«", "»"
"""Around what is learned, where there is no colour."""


class ShownRow(TypedDict):
    """A row as it is trained: the tokens that are only read, and those that are learned, as text."""

    kind: str
    """training or practice"""
    tokens: int
    masked: str
    learned: str


class Report(TypedDict):
    """What tuning trains on, in numbers and by its first rows."""

    use_case: str
    model: str
    shown_with: str
    counts: dict[str, int]
    """What became of the rows, as the stage notes it."""
    cut: int
    """Rows whose text or context lost its end."""
    left_out: int
    """Rows and practice rows of more than `max_tokens` tokens."""
    max_tokens: int
    longest: list[int]
    """Tokens of the longest rows, those left out too."""
    learned: int
    """Tokens that are learned, of all tokens of a pass."""
    tokens: int
    rows: list[ShownRow]


def training_rows(use_case: Path, profile: str, rows: int) -> Report:
    """The first `rows` training rows and practice rows. Raises BadInput for settings that a run would refuse, and where
    there is nothing to tune."""
    run = Run.read(use_case, profile, Workspace())
    run.check_settings()
    with quiet_libraries("tuning-show"):
        config = run.settings("tuning", Config)
        if config.fits_labels:
            raise BadInput(
                f"{run.path}: technique '{config.technique}' learns no tokens: it fits the label of each training text as a "
                "whole, without a prompt, so that there are no rows to show"
            )
        dataset, candidate, found_by = _inputs(run)
        from components.tuning.supervised import training_rows

        step = _step(run, dataset, candidate.digest)
        given = training_rows(config, run.use_case.task, candidate, dataset, False, step)
        if not given.rows:
            raise BadInput(f"{run.path}: no training row is usable ({given.counts}); section 'tuning', key 'max_tokens'")
        shown = [_shown("practice", row, given.tokenizer) for row in given.practice[:rows]]
        shown += [_shown("training", row, given.tokenizer) for row in given.rows[:rows]]
        every = [*given.practice, *given.rows]
        return {
            "use_case": run.use_case.name,
            "model": candidate.model.name if candidate.model else "",
            "shown_with": found_by,
            "counts": given.counts,
            "cut": given.cut,
            "left_out": given.counts["too long"] + given.practice_too_long,
            "max_tokens": config.max_tokens,
            "longest": sorted(given.lengths, reverse=True)[:LONGEST],
            "learned": sum(len(row.ids) - row.start for row in every),
            "tokens": sum(len(row.ids) for row in every),
            "rows": shown,
        }


def _inputs(run: Run) -> tuple[Dataset, Candidate, str]:
    """(dataset, the candidate that is tuned, where it comes from)"""
    from flows.lifecycle import lifecycle
    from flows.steps import NotSealed, Reached, UpTo

    do = UpTo(run, stage="tuning")
    try:
        lifecycle(do)
        why = "this run came to its end without tuning"
    except Reached as reached:
        candidate = reached.inputs["candidate"]
        assert isinstance(candidate, Candidate), "tuning is given one"
        return do.dataset(), candidate, "the candidate that this run tunes"
    except NotSealed as stop:
        why = f"{stop.stage} has not run here"
    except GateRefused as refused:
        if not do.done:
            raise
        why = str(refused)
    dataset, contract = do.dataset(), run.use_case
    config = run.settings("selection", SelectionConfig)
    task, policy, limits = contract.task, contract.policy, contract.limits
    step = _step(run, dataset, "selection")
    started = first(config, task=task, policy=policy, limits=limits, dataset=dataset, step=step)
    if started is None:
        raise BadInput(f"{run.path}: {why}, and no model that it may use can run here: nothing is tuned")
    searched = ", and BM25's best passage" if started.retriever else ""
    return dataset, started, f"{why}: the first model that can run here{searched}"


def _step(run: Run, *named: object) -> Step:
    """Where something is prepared that no run seals."""
    key = digest_of(["tuning show", *named])
    return Step(key=key, scratch=run.workspace.store.scratch(key), workspace=run.workspace, machine=run.profile.machine)


def _shown(kind: str, row: "Example", tokenizer: "PreTrainedTokenizerBase") -> ShownRow:
    masked, learned = tokenizer.decode(list(row.ids[: row.start])), tokenizer.decode(list(row.ids[row.start :]))
    return {"kind": kind, "tokens": len(row.ids), "masked": str(masked), "learned": str(learned)}


def show(report: Report) -> None:
    """Print the rows and the counts: what is learned in colour, or marked where there is none."""
    console = Console(highlight=False)
    coloured = console.is_terminal and not console.no_color
    for row in report["rows"]:
        console.rule(f"{row['kind']} row, {row['tokens']} tokens", align="left", style="dim")
        console.print(_text(row, coloured), soft_wrap=True)
    console.rule(style="dim")
    learned = "in colour" if coloured else f"between {MARKS[0]} and {MARKS[1]}"
    share = report["learned"] / report["tokens"]
    lines = (
        f"{report['use_case']}, {report['model']}; shown with: {report['shown_with']}",
        f"learned ({learned}): {report['learned']:,} of {report['tokens']:,} tokens of one pass, {share:.1%}",
        "rows: " + ", ".join(f"{count:,} {name}" for name, count in report["counts"].items()),
        f"left out, longer than max_tokens ({report['max_tokens']}): {report['left_out']:,}; shown without their end: "
        f"{report['cut']:,}; longest: {', '.join(map(str, report['longest']))} tokens",
    )
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _text(row: ShownRow, coloured: bool) -> Text:
    """The row on a terminal; what would steer it is written out."""
    masked, learned = ("\n".join(map(printable, row[part].split("\n"))) for part in ("masked", "learned"))
    if coloured:
        return Text.assemble((masked, "dim"), (learned, "bold green"))
    return Text(f"{masked}{MARKS[0]}{learned}{MARKS[1]}")
