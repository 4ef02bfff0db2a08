"""What a person sees: a live view while it runs (stage n of 9, what it does, time left) and a table at the end.

Library noise (anything a library prints, from Python or from C) goes to the run's log file: file descriptors 1 and 2 point
there while the view is up, and the view writes to the terminal that was there before. Without a terminal it prints one line
a stage. Nothing here knows stages beyond their names.
"""

import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from components.core import STAGES, listening
from components.ladder import price

if TYPE_CHECKING:
    from components.ladder import RungRow
    from components.measure.left_out import LeftOutRow
    from components.training import JoinedRow, PretrainedRow, TrialRow
    from flows.summary import Summary

MARKS = {"ran": "[green]✓[/]", "reused": "[cyan]↺[/]", "skipped": "[dim]–[/]"}


class View:
    """Listens to progress reports and draws them on `console`."""

    def __init__(self, console: Console, title: str, estimates: dict[str, float]) -> None:
        """estimates: stage → expected seconds (from the last run here, or from the profile)."""
        self.console, self.title, self.estimates = console, title, estimates
        self.stage, self.number, self.what, self.done = "", 0, "starting", 0
        self.total: int | None = None
        self.started = self.entered = time.monotonic()
        self.peak_gb = 0.0
        self.finished: list[tuple[str, float]] = []

    def listen(self, what: str, done: int, total: int | None) -> None:
        """Take one report; `stage:<word>` starts a stage."""
        if not what.startswith("stage:"):
            self.what, self.done, self.total = what, done, total
            return
        word = what.removeprefix("stage:")
        if word == self.stage:
            return
        self._leave()
        self.stage, self.number, self.entered = word, done, time.monotonic()
        self.what, self.done, self.total = "", 0, None

    def _leave(self) -> None:
        if self.stage:
            seconds = time.monotonic() - self.entered
            self.finished.append((self.stage, seconds))
            if not self.console.is_terminal:
                self.console.print(f"{self._place():<18} {shown_clock(seconds):>6}", highlight=False)

    def tell(self) -> None:
        """Without a terminal: one line of where it is."""
        counts = f" {self.done}/{self.total}" if self.total else ""
        parts = filter(None, (f"{self.what}{counts}", self._left_in_words()))
        self.console.print(f"{self._place():<18} {', '.join(parts)}".rstrip(), highlight=False, soft_wrap=True)

    def left(self) -> float | None:
        """Seconds left by the estimates, or None where there are none; without those of a stage that takes longer."""
        if not self.estimates:
            return None
        gone = {stage for stage, _ in self.finished}
        to_come = sum(seconds for stage, seconds in self.estimates.items() if stage not in gone and stage != self.stage)
        return to_come + max(0.0, -self._over())

    def _over(self) -> float:
        """Seconds by which the stage at hand has outrun its estimate; below 0 while it has not."""
        return time.monotonic() - self.entered - self.estimates.get(self.stage, 0.0)

    def _left_in_words(self) -> str:
        left, foreseen = self.left(), self.estimates.get(self.stage, 0.0)
        if not left:
            return ""
        if foreseen and self._over() > 0:
            spent = shown_clock(foreseen + self._over())
            return f"this stage {spent}, foreseen {shown_clock(foreseen)}; about {shown_clock(left)} left after it"
        return f"about {shown_clock(left)} left"

    def __rich__(self) -> Group:
        now = time.monotonic()
        clock = ", ".join(filter(None, (f"{shown_clock(now - self.started)} elapsed", self._left_in_words())))
        lines = [Text.from_markup(f"[bold]{self.title}[/]  [dim]{clock} · peak {self.peak_gb:.1f} GB[/]")]
        for stage, seconds in self.finished:
            lines.append(Text.from_markup(f"  [green]✓[/] {stage:<13}[dim]{shown_clock(seconds):>7}[/]"))
        row = Table.grid(padding=(0, 1))
        bar = ProgressBar(
            total=self.total or 1, completed=self.done if self.total else 0, width=24, pulse=self.total is None
        )
        counts = f"{self.done}/{self.total}" if self.total else ""
        row.add_row(Text.from_markup(f"  [yellow]▸[/] [bold]{self._place()}[/]"), bar, counts, Text(self.what, style="dim"))
        return Group(*lines, row)

    def _place(self) -> str:
        return f"{self.stage} {self.number}/{len(STAGES)}" if self.number else (self.stage or "starting")


@contextmanager
def watching(title: str, log: Path, estimates: dict[str, float], *, silent: bool = False) -> Iterator[View]:
    """Show a live view on the terminal while this block runs, with everything else that is printed sent to `log`."""
    with noise_to(log) as console:
        if silent:
            console.quiet = True
        view = View(console, title, estimates)
        stop = threading.Event()
        sampler = threading.Thread(target=_sample, args=(view, stop), daemon=True)
        sampler.start()
        live = Live(view, console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        try:
            with listening(view.listen):
                if live:
                    live.start()
                yield view
                view._leave()
        finally:
            if live:
                live.stop()
            stop.set()
            sampler.join()


EVERY = 30.0
"""Seconds between two lines of a run without a terminal."""
COSTS, SHORT = ("trained", "one request", "1,000 answers", "memory", "disk"), 3
"""What a rung costs, and how many of these fit in a terminal of fewer columns than `WIDE`."""
NARROW, WIDE = 100, 140
"""Columns under which verdict, figure and reason share one column: beside the others the reason would get eight."""


def table(summary: "Summary", before_after: dict[str, str], width: int) -> Table:
    """What each stage decided, for a terminal of `width` columns; `before_after`: stage → its figure before → after."""
    rows = Table(
        title=f"{summary['use_case']} · {summary['profile']}", title_justify="left", header_style="bold", expand=False
    )
    rows.add_column("stage", no_wrap=True)
    if width < NARROW:
        rows.add_column("decision", overflow="fold")
    else:
        rows.add_column("verdict", no_wrap=True)
        rows.add_column("before → after", no_wrap=True)
        rows.add_column("why", overflow="fold")
    rows.add_column("time", justify="right", no_wrap=True)
    for number, stage in enumerate(summary["stages"], 1):
        mark = MARKS[stage["status"]]
        verdict = stage["decision"]["verdict"] if stage["status"] != "skipped" else "skipped"
        why = Text(stage["decision"]["reason"])
        clock = "reused" if stage["status"] == "reused" else shown_clock(stage["seconds"])
        figure = before_after.get(stage["name"], "")
        cells: list[str | Text] = [verdict, figure, why]
        if width < NARROW:
            cells = [Text.assemble((f"{verdict}  {figure}".rstrip(), "bold"), "\n", why)]
        rows.add_row(f"{mark} {number} {stage['name']}", *cells, clock)
    return rows


def ladder(summary: "Summary", width: int) -> Table:
    """The rungs, cheapest first: what each reaches on validation, and what it costs."""
    rows = Table(title="ladder", title_justify="left", header_style="bold", expand=False)
    rows.add_column("rung", no_wrap=True)
    rows.add_column("verdict", no_wrap=True)
    names = COSTS if width >= WIDE else COSTS[:SHORT] if width >= NARROW else ()
    for name in names:
        rows.add_column(name, justify="right", no_wrap=True)
    rows.add_column("why", overflow="fold")
    for row in summary["ladder"]:
        cells = [row["rung"], row["verdict"]]
        rows.add_row(*cells, *_costs(row)[: len(names)], row["reason"] + _estimated(row))
    return rows


def trials(rows: "Sequence[TrialRow]", width: int) -> Table:
    """What a search tried, in order, for a terminal of `width` columns."""
    listed = Table(title="trials", title_justify="left", header_style="bold", expand=False)
    for name in ("trial", "technique", "verdict", "figure", "steps", "time")[: 6 if width >= NARROW else 4]:
        listed.add_column(name, no_wrap=True, justify="left" if name in ("technique", "verdict") else "right")
    listed.add_column("settings", overflow="fold")
    for row in rows:
        figure = f"{row['figure']['value']:.3f}" if "figure" in row else "–"
        cells = [str(row["number"]), row["technique"], row["verdict"], figure]
        if width >= NARROW:
            cells += [f"{row['steps']}", shown_clock(row.get("seconds", 0.0))]
        chosen = ", ".join(f"{key} {value}" for key, value in row["settings"].items())
        listed.add_row(*cells, f"{chosen}: {row['reason']}" if row["reason"] else chosen)
    return listed


def left_out(rows: "Sequence[LeftOutRow]") -> Table:
    """What each element of a prompt is worth, by the primary metric."""
    listed = Table(title="prompt without one element", title_justify="left", header_style="bold", expand=False)
    for name in ("element", "verdict", "without it", "what is lost", "p"):
        listed.add_column(name, no_wrap=True, justify="left" if name in ("element", "verdict") else "right")
    for row in rows:
        lost = row["difference"]
        span = f" [{lost['low']:+.3f}, {lost['high']:+.3f}]" if lost["low"] is not None else ""
        figures = f"{row['without']:.3f}", f"{lost['value']:+.3f}{span}", f"{row['p_value']:.2g}"
        listed.add_row(row["element"], row["verdict"], *figures)
    return listed


def pretraining(rows: "Sequence[PretrainedRow]") -> Table:
    """How likely texts were to the model before and after it read documents."""
    listed = Table(title="pre-training", title_justify="left", header_style="bold", expand=False)
    for name in ("texts", "n", "nats a token", "change", "perplexity"):
        listed.add_column(name, no_wrap=name != "texts", justify="left" if name == "texts" else "right")
    for row in rows:
        interval = f"[{row['low']:+.3f}, {row['high']:+.3f}]" if row["low"] is not None and row["high"] is not None else ""
        listed.add_row(
            f"{row['where']}: {row['source']}",
            f"{row['documents']}",
            f"{row['before']:.3f} → {row['after']:.3f}",
            f"{row['change']:+.3f} {interval}".rstrip(),
            f"{row['perplexity_before']} → {row['perplexity_after']}",
        )
    return listed


def together(rows: "Sequence[JoinedRow]") -> Table:
    """Whose rows a training learned from, and what that was worth by the primary metric."""
    listed = Table(title="tuned together", title_justify="left", header_style="bold", expand=False)
    for name in ("examples of", "verdict", "alone", "together", "gain"):
        listed.add_column(
            name, no_wrap=name != "examples of", justify="left" if name in ("examples of", "verdict") else "right"
        )
    for row in rows:
        named = ", ".join(f"{one['use_case']} {one['examples']:,}" for one in row["taught"])
        figures = ["", "", ""]
        if gain := row.get("gain"):
            span = f" [{gain['low']:+.3f}, {gain['high']:+.3f}]" if gain["low"] is not None else ""
            figures = [f"{row['alone']:.3f}", f"{row['together']:.3f}", f"{gain['value']:+.3f}{span}"]
        listed.add_row(named, row["verdict"], *figures)
    return listed


def _costs(row: "RungRow") -> list[str]:
    if "latency_p50" not in row:
        return ["", "", "", "", ""]
    return [
        f"{row['trained_share']:.2%}" if row["trained_share"] else "–",
        f"{row['latency_p50']:.2g} s",
        price(row["cost_per_1000_answers"]),
        f"{row['memory_gb']:.1f} GB",
        f"{row['megabytes']:,.0f} MB",
    ]


def _estimated(row: "RungRow") -> str:
    return f" (about {shown_clock(row['seconds'])})" if row.get("seconds") else ""


def shown_clock(seconds: float) -> str:
    """A duration for people."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{int(seconds // 60)} min {int(seconds % 60):02d}"


def _sample(view: View, stop: threading.Event) -> None:
    """Keep the highest resident memory of the process tree, sampled twice a second (GB = 10^9 bytes); without a terminal,
    say every `EVERY` seconds where it is."""
    own, told = psutil.Process(), time.monotonic()
    while not stop.wait(0.5):
        if not view.console.is_terminal and time.monotonic() - told >= EVERY:
            told = time.monotonic()
            view.tell()
        total = 0
        for process in [own, *own.children(recursive=True)]:
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue  # it ended between the listing and the look
        view.peak_gb = max(view.peak_gb, total / 1e9)


@contextmanager
def noise_to(log: Path) -> Iterator[Console]:
    """Point file descriptors 1 and 2, logging and warnings at `log`; yield a console on what was standard output."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept_out, kept_err = os.dup(1), os.dup(2)
    encoding, errors = sys.stdout.encoding, sys.stdout.errors or "replace"  # those of flows/environment.py
    with log.open("ab") as file, os.fdopen(os.dup(kept_out), "w", encoding=encoding, errors=errors) as terminal:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root = logging.getLogger()
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        logging.captureWarnings(True)
        try:
            with warnings.catch_warnings():
                yield Console(file=terminal)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            root.removeHandler(handler)
            logging.captureWarnings(False)
            os.dup2(kept_out, 1)
            os.dup2(kept_err, 2)
            os.close(kept_out)
            os.close(kept_err)
