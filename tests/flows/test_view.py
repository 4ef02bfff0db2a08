"""What a person sees while it runs: on a terminal a live view, elsewhere one line a stage."""

import io
import re
import time

from rich.console import Console

from flows.view import View, watching

ESTIMATES = {"data": 10.0, "tuning": 600.0, "feedback": 60.0}


def in_tuning(console: Console) -> View:
    """A view that has seen the data, and tuning do 40 of its 100 steps."""
    view = View(console, "desk · cpu", ESTIMATES)
    view.listen("stage:data", 0, 9)
    view.listen("stage:tuning", 5, 9)
    view.listen("training", 40, 100)
    view.listen("stage:tuning", 5, 9)  # the second step of a stage is no new stage
    return view


def test_a_terminal_shows_the_stage_what_it_does_and_the_time_left():
    console = Console(file=io.StringIO(), record=True, force_terminal=True, width=100)
    console.print(in_tuning(console))
    shown = console.export_text()
    assert all(part in shown for part in ("desk · cpu", "✓ data", "▸ tuning 5/9", "40/100", "training"))
    assert re.search(r"0 s elapsed, about (11 min 00|10 min 59) left", shown)


def test_a_stage_that_outruns_its_estimate_says_so():
    file = io.StringIO()
    view = in_tuning(Console(file=file, width=120))
    view.entered -= 720
    view.tell()
    (line,) = file.getvalue().splitlines()[-1:]
    assert re.fullmatch(
        r"tuning 5/9 +training 40/100, this stage 12 min 0\d, foreseen 10 min 00; about 60 s left after it", line
    )


def test_elsewhere_a_line_now_and_then_says_where_it_is(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("flows.view.EVERY", 0.1)
    with watching("desk · cpu", tmp_path / "log", ESTIMATES) as view:
        view.listen("stage:tuning", 5, 9)
        view.listen("training", 40, 100)
        time.sleep(1.3)
    lines = capfd.readouterr().out.splitlines()
    assert re.fullmatch(r"tuning 5/9 +training 40/100, about 11 min \d\d left", lines[0])
    assert 2 <= len([line for line in lines if "40/100" in line]) <= 3
    assert re.fullmatch(r"tuning 5/9 +1 s", lines[-1])


def test_elsewhere_each_stage_is_one_line_when_it_is_done():
    file = io.StringIO()
    in_tuning(Console(file=file, width=80)).listen("stage:feedback", 6, 9)
    assert [line.split() for line in file.getvalue().splitlines()] == [["data", "0", "s"], ["tuning", "5/9", "0", "s"]]
