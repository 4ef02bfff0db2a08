"""What people say about adapting models, measured: `docs/studies.md` and its pictures, made from `docs/studies/*.json`.

    python docs/studies.py                   write the page anew (`make docs`)
    python docs/studies.py <folder>          take the results of that folder first: `.ninefold/studies` after `make studies`

A result whose claim was changed since is shown as not run. Not covered: measuring, which is `ninefold study`.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from components.cards.colours import PAPER, on_paper
from components.cards.plots import arm_bars
from components.core import publish_text
from flows.studies import claim_of
from flows.study import Line, Result, claimed, interval, lines, read_results

PAGE = Path(__file__).with_suffix(".md")
RESULTS = PAGE.with_suffix("")

HEAD = """# Studies

What people say about adapting models, measured on a model of 135 million weights and packaged data. A verdict is about these
rows, this model and this size; "not shown" means that the study could not tell. This page is made from
committed results: `python docs/studies.py` (or `make docs`) writes it anew, and a test fails where it is stale. Minutes are
of a machine that had other work beside most of them.

```sh
ninefold study                           # the claims, and what was measured in this workspace
ninefold study forgetting                # measures one; at most 20 minutes on two cores
ninefold study forgetting --smoke        # seconds, on a two-layer model: tries the study, not the claim
```

`make studies` measures all. A study that is interrupted goes on: every arm and seed is kept, by the code that it reaches.

## How a verdict is made

Each study is [one file](variants.md) of `flows/studies/` that fixes before it measures: the claim, its metric, the arms,
each contrast with direction and margin, the rows and three seeds or more. A contrast's variance is that of rows and of seeds
together (crossed random effects); "as good as" takes two one-sided tests against a margin. All contrasts of a claim must
hold, and Holm corrects over all studies that were measured. *Shown* and *the opposite here* are each held to 5 %: of 40,000
made studies whose true effect lies on the bound, at most 5.0 % pass, however much seeds differ. Some studies first ask
whether they could tell at all: two trainings that learned nothing are alike, and that shows nothing. "Could show" is how far
from its bound a true value must lie to be found four times in five.

## Verdicts

"""


def page(results: Mapping[str, Result]) -> str:
    """The page as it must be."""
    known = lines(results)
    table = ["| study | claim | verdict |", "| --- | --- | --- |"]
    table += [f"| [{one['study']}](#{one['study']}) | {one['claim']} | *{one['verdict']}* |" for one in known]
    return "\n".join([HEAD + "\n".join(table), *map(_section, known)]).rstrip() + "\n"


def pictures(results: Mapping[str, Result]) -> dict[str, str]:
    """Study → its picture as SVG, on paper of its own: a page may be read in the dark."""
    paper = f'<svg style="background: {PAPER["paper"]}" '
    known = {line["study"]: line["result"] for line in lines(results)}
    return {
        name: on_paper(arm_bars(name, one.claim, one.findings)).replace("<svg ", paper, 1) + "\n"
        for name, one in known.items()
        if one
    }


def _section(line: Line) -> str:
    name, result = line["study"], line["result"]
    claim = claim_of(name, smoke=False)
    fixed = f"{claim.claim}: *{line['verdict']}*.\n\nMetric: {claim.metric}. Data: {claim.data}."
    size = f" Rows: {claim.rows:,}, seeds: {len(claim.seeds)}." if claim.contrasts else ""
    return f"\n## {name}\n\n{fixed}{size}\n\n" + (_measured(name, result) if result else _asked(name)) + "\n"


def _asked(name: str) -> str:
    claim = claim_of(name, smoke=False)
    rows = [f"| {one.name} | {claimed(one)} |" for one in claim.contrasts]
    if claim.counted:
        rows = [f"| each of {', '.join(claim.arms)} | {_range(*claim.counted)} |"]
    return "\n".join(["| what is compared | claimed |", "| --- | --- |", *rows])


def _measured(name: str, result: Result) -> str:
    claim, found = result.claim, result.findings
    if claim.counted:
        rows = [f"| {arm} | {one.value:.2%} | {_range(*claim.counted)} |" for arm, one in found.arms.items()]
        table = ["| what is counted | measured | claimed |", "| --- | --- | --- |", *rows]
    else:
        rows = [
            f"| {one.name} | {interval(two.estimate)} | {claimed(one)} | {two.detectable:.3f} |"
            for one, two in zip(claim.contrasts, found.contrasts, strict=True)
        ]
        table = ["| what is compared | measured [95 %] | claimed | could show |", "| --- | --- | --- | --- |", *rows]
    took = f"{result.seconds:.0f} seconds" if result.seconds < 120 else f"{result.seconds / 60:.0f} minutes"
    made = f"{result.model} in {result.dtype}, {took} on {result.processor}, {result.date}."
    return "\n".join(table) + f"\n\n![What each arm came to]({RESULTS.name}/{name}.svg)\n\nMeasured on {made}"


def _range(low: float, high: float) -> str:
    return f"{low:.0%} to {high:.0%}"


if __name__ == "__main__":
    for folder in map(Path, sys.argv[1:]):
        RESULTS.mkdir(exist_ok=True)
        for path in folder.glob("*.json"):
            shutil.copyfile(path, RESULTS / path.name)
    measured = read_results(RESULTS)
    publish_text(PAGE, page(measured))
    for study, svg in pictures(measured).items():
        publish_text(RESULTS / f"{study}.svg", svg)
