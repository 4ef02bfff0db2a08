"""`ninefold dropped`: what the shared run left out."""

import pytest

from components.core import BadInput, Workspace
from flows.dropped import dropped, show


def test_every_row_that_was_left_out_is_listed_with_its_reason(finished, capsys):
    workspace = Workspace(finished.home)
    report = dropped("voice_helpdesk", workspace=workspace)
    assert report == dropped(finished.summary["run_id"], workspace=workspace), "by its id, and as the last of its use case"
    counted = sum("cut" not in line for line in report["lines"])
    assert counted > 40
    assert all({"source", "line", "step", "reason"} <= line.keys() for line in report["lines"])
    some = dropped("voice_helpdesk", "MORE TRAIN ROWS", workspace)["lines"]
    assert 0 < len(some) < counted
    assert {line["reason"] for line in some} == {"more train rows than the profile uses"}
    show(report)
    shown = capsys.readouterr().out
    assert "more train rows than the profile uses" in shown
    assert f"… and {len(report['lines']) - 40:,} more: --json lists them all" in shown


def test_a_run_that_is_none_is_answered_with_those_that_are(finished):
    with pytest.raises(BadInput, match=rf"'nobody' is no run .* runs: {finished.summary['run_id']}"):
        dropped("nobody", workspace=Workspace(finished.home))
