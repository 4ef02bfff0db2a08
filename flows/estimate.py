"""About how many seconds each stage takes: one formula a stage, from the case's rows and this machine's measured rates.

    forward   a token costs  W (2 / (T G) + M / B)  seconds: W weights in linear layers, T threads of G operations a second,
              B bytes a second of memory. The second part stands for all that is no product: where a processor has fast
              ones (AMX), it is what is left.
    answer    a row's tokens forward, then its answer token by token: L layers of 1 ms and the weights read once, for a
              batch of rows at a time
    train     a token of a batch costs 2.5 forwards of the layers that are trained, once an epoch, and one of the others

An estimate, good to a factor of two (SPREAD): answers end early, neighbours take the processor, an abstention costs less
than an answer. Not covered: models behind an endpoint, whose seconds are the server's; a technique that trains all weights;
what is fetched. The constants are fits to the voice help desk on three machines, by its cards and by `make bench`:
SmolLM2-135M forward at 1,130 tokens a second on an AMD (2 x 193 GFLOP/s in bfloat16, 29 GB/s), 600 to 1,000 on an Intel with
AMX beside other work (2 x 1,380 GFLOP/s); 20 of its 30 layers trained at 647 on the first and 850 to 1,270 on the second.
"""

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from components.application.refinements import fault
from components.core import Task, UseCase
from components.core.rates import Rates
from components.data.stage import Config as DataConfig
from components.evaluation.stage import Config as EvaluationConfig
from components.feedback.stage import Config as FeedbackConfig
from components.ladder import Config as LadderConfig
from components.ladder import stage_of, technique_of
from components.optimization.stage import Config as OptimizationConfig
from components.prompting.searching import RIVAL
from components.prompting.stage import MAY_BE_LEFT_OUT
from components.prompting.stage import Config as PromptingConfig
from components.retrieval.stage import Config as RetrievalConfig
from components.selection.stage import Config as SelectionConfig
from components.selection.stage import rejections
from components.tasks import tokens_of
from components.training import technique
from components.tuning.pretraining import Pretraining
from components.tuning.stage import Config as TuningConfig
from flows.foreseen import look_at_rows

if TYPE_CHECKING:
    from components.data import Seen
    from flows.run import Run

SPREAD = 2.0
"""The true time lies between the estimate divided and multiplied by it."""
CHARACTERS = 4.0
"""Of a token; English text under SmolLM2's tokenizer."""
MOVED = 0.11
"""Bytes that a token moves for each weight: M."""
IN_LAYERS = 0.8
"""Share of a model's parameters in linear layers (SmolLM2-135M: 0.79)."""
LAYERS, LAYER_SECONDS = 30, 0.001
"""Layers of a small model; seconds of one for a token of each row of a batch, whatever its size."""
EVERY = 10_000
"""More layers than a model has."""
BATCH = 12
"""Rows decoded at once, of prompts of some 300 tokens."""
BACKWARD = 2.5
"""Forward passes that a training step costs, itself among them."""
LOAD, LOAD_PARAMETER = 0.3, 16e-9
"""Seconds to load a model for one measurement, whatever its size and for each parameter: 2.5 s for 135 million."""
PROMPT, EXAMPLE_SHARE = 60, 0.5
"""Tokens of instruction and form in a prompt; share of a prompt's examples that is run again for a row."""
GIVEN = 550
"""Most tokens that a prompt shows of a text that comes with its question (384 words)."""
FAULTY = 0.2
"""Share of answers that are too long, of the wrong form or about something else: each is given and refined again."""
PRACTICE = 120
"""Tokens of the part of a passage that a practice row is shown."""
BENCHMARK_ITEM, EMBEDDED_WEIGHTS = 80, 10_600_000
"""Tokens of a benchmark item; weights in the linear layers of the embedder (MiniLM)."""
LESSON = 4.7
"""Forward passes that a token costs where all of an embedder is trained: three, half as many for padding, and AdamW over all
its weights. MiniLM: 226 processor seconds for 222,221 tokens on an AMD, 119 s on its two cores."""
GPU = (20_000.0, 2_000.0)
"""(GFLOP/s, GB/s) that stand for a GPU, whose rates are not measured: an H100 tuned all layers at 4,883 tokens a second."""
FIXED = {
    "data": 6.0, "use_case": 0.1, "selection": 8.0, "prompting": 1.0, "retrieval": 5.0, "tuning": 3.0, "feedback": 2.0,
    "evaluation": 10.0, "optimization": 2.0, "deployment": 12.0,
}  # fmt: skip
"""Stage → what it takes whatever the rows: libraries, a checkpoint to convert, an endpoint to start."""
SEARCHED = 1.5
"""Trainings that a whole trial of a search costs: it is trained for a ninth, a third and all of the length."""
RUNG = 8.0
"""Seconds to time a rung's requests in a fresh process."""
MEGABYTE, VARIANT = 0.6, 15.0
"""Seconds to check and compare a megabyte of sources; to build a variant of 135 million weights."""


@dataclass(frozen=True)
class Case:
    """What the seconds follow from: rows as the profile uses them, mean tokens, the machine."""

    rows: dict[str, int]
    """train, feedback, validation, test, practice"""
    passages: int
    text: float
    """Tokens of a row's input."""
    answer: float
    """Tokens of a row's answer."""
    passage: float
    """Tokens of a whole passage, or of a text that comes with its question; 0 where there is neither."""
    megabytes: float
    documents: tuple[float, float]
    """How many documents there are for pre-training, and the mean tokens of one."""
    trainings: int
    """2 where made rows are tried beside the collected ones."""
    models: tuple[int, ...]
    """Parameters of each model that can run here."""
    layers: int
    bytes_a_weight: float
    gigaflops: float
    """Of all threads."""
    gigabytes: float
    beside: "tuple[Case, ...]" = ()
    """The use cases that it is tuned together with."""

    @property
    def weights(self) -> float:
        """Of the largest model that can run here, in its linear layers."""
        return IN_LAYERS * max(self.models, default=0)

    def forward(self, tokens: float, weights: float | None = None) -> float:
        """Seconds to run so many tokens through the model."""
        weights = self.weights if weights is None else weights
        return tokens * weights * (2 / (self.gigaflops * 1e9) + MOVED / (self.gigabytes * 1e9))

    def answers(self, rows: float, context: float, tokens: float, loads: int = 1) -> float:
        """Seconds to answer `rows` rows shown with `context` tokens each, with `tokens` tokens each."""
        a_token = self.layers * LAYER_SECONDS + self.weights * self.bytes_a_weight / (self.gigabytes * 1e9)
        load = LOAD + LOAD_PARAMETER * max(self.models, default=0)
        return loads * load + rows * (self.forward(PROMPT + self.text + context) + tokens * a_token / BATCH)


def seconds_of_stages(run: "Run", case: Case) -> dict[str, float]:
    """Stage → seconds, where every stage is climbed; what the profile knows of a stage (`seconds`) is taken from there."""
    contract = run.use_case
    kind = tokens_of(contract.task)
    prompting, retrieval = run.settings("prompting", PromptingConfig), run.settings("retrieval", RetrievalConfig)
    context = retrieval.context_words * 1.35 if case.passages else min(case.passage, _given(run))
    answer = min(case.answer, kind.tuned)
    rungs = run.settings("ladder", LadderConfig)
    ways = [one for one in rungs.rungs if stage_of(one) == "tuning"]
    tunings = [_tuning(_config(run, rung), case, context, answer, contract) for rung in ways]
    tuning = tunings[-1] if tunings else 0.0
    beside = sum(FIXED["data"] + one.megabytes * MEGABYTE for one in case.beside)
    evaluation = _evaluation(run.settings("evaluation", EvaluationConfig), case, context, answer, contract)
    selection = run.settings("selection", SelectionConfig)
    decided = min(selection.validation_rows or case.rows["validation"], case.rows["validation"])
    work = {
        "data": case.megabytes * MEGABYTE,
        "selection": len(case.models) * case.answers(decided, case.passage, 3.0 if contract.task.labels else kind.basic),
        "prompting": _prompting(prompting, case, context, kind.prompted, contract.task),
        "retrieval": _retrieval(retrieval, case, context, kind.prompted) if case.passages else None,
        "tuning": sum(tunings) + beside if tunings else None,
        "feedback": _feedback(run.settings("feedback", FeedbackConfig), tuning, case, context, answer),
        "evaluation": evaluation,
        "optimization": _optimization(run.settings("optimization", OptimizationConfig), case, context, answer, evaluation),
    }
    for rung in rungs.rungs if rungs.requests else ():
        if (stage := stage_of(rung)) in work and work[stage] is not None:
            work[stage] = (work[stage] or 0.0) + RUNG
    if not case.models:
        work |= dict.fromkeys(("prompting", "retrieval", "tuning", "feedback", "optimization"), None)
    seconds = {
        stage: 0.0 if work.get(stage, 0.0) is None else fixed + (work.get(stage) or 0.0) for stage, fixed in FIXED.items()
    }
    return {stage: round(value, 1) for stage, value in seconds.items()} | run.profile.seconds


def seconds_of_rungs(run: "Run", case: Case) -> dict[str, float]:
    """Rung of the ladder → seconds of what its stage does for it."""
    stages, answers = seconds_of_stages(run, case), tokens_of(run.use_case.task)
    retrieval = run.settings("retrieval", RetrievalConfig)
    context = retrieval.context_words * 1.35 if case.passages else min(case.passage, _given(run))

    def seconds(rung: str) -> float:
        if stage_of(rung) != "tuning":
            return stages[stage_of(rung)]
        return FIXED["tuning"] + _tuning(_config(run, rung), case, context, min(case.answer, answers.tuned), run.use_case)

    return {rung: round(seconds(rung), 1) for rung in run.settings("ladder", LadderConfig).rungs}


def _config(run: "Run", rung: str) -> TuningConfig:
    """The settings of a rung of tuning; a technique that works on the input trains through all layers."""
    config = run.settings("tuning", TuningConfig).of(technique_of(rung))
    whole = not config.fits_labels and technique(config.technique).WHOLE
    return config.model_copy(update={"layers": EVERY}) if whole else config


def without_ladder(run: "Run", case: Case) -> dict[str, float]:
    """The same where the plain baseline is enough: no rung above it is climbed, and the test asks the base model once."""
    every = seconds_of_stages(run, case)
    none = dict.fromkeys(("prompting", "retrieval", "tuning", "feedback", "optimization"), 0.0)
    tokens = 3.0 if run.use_case.task.labels else float(tokens_of(run.use_case.task).basic)
    asked = FIXED["evaluation"] + case.answers(case.rows["test"], case.passage, tokens)
    return every | none | {"evaluation": round(min(asked, every["evaluation"]), 1)}


def case_of(run: "Run", seen: "list[Seen]", rates: Rates) -> Case:
    """The case's rows, its mean lengths in the rows that were looked at, and what this machine computes."""
    contract, data = run.use_case, run.settings("data", DataConfig)
    selection = run.settings("selection", SelectionConfig)
    rejected = rejections(selection, contract.task, contract.policy, contract.limits)
    models = [one for one in selection.asked if one.name not in rejected and one.source != "endpoint"]
    splits = {name: getattr(contract.data.splits, name) for name in ("train", "feedback", "validation", "test")}
    rows = {name: min(count, cap) if (cap := getattr(data, name)) is not None else count for name, count in splits.items()}
    practice = sum(len(one.records) if one.whole else 10_000 for one in seen if one.source.role == "practice")
    examples = [record for one in seen if "examples" in one.source.role for record in one.records]
    knowing = [one for one in seen if "knowledge" in one.source.role]
    passages = [record for one in knowing for record in one.records]
    unlabelled = [] if contract.data.labelling else [one for one in seen if one.source.role == "unlabelled"]
    held = sum(len(one.records) if one.whole else 10_000 for one in knowing)
    dtype = selection.dtype if selection.dtype in ("float32", "bfloat16") else "float32"
    if run.profile.machine.device == "cuda":
        gigaflops, gigabytes = GPU
    else:
        model = "two-layer" if selection.made else "smollm2-135m"
        threads = min(run.profile.machine.threads, int(run.machine["cores"]))
        gigaflops, gigabytes = threads * rates.gigaflops[model][dtype], rates.gigabytes_per_second
    return Case(
        rows=rows | {"practice": practice},
        passages=min(held, data.knowledge_passages or held),
        text=_tokens([record.text for record in examples]),
        answer=_tokens([record.answer for record in examples]),
        passage=_tokens([record.passage for record in (examples if contract.task.given else passages)]),
        documents=(
            sum(len(one.records) if one.whole else 10_000 for one in unlabelled),
            _tokens([record.text for one in unlabelled for record in one.records]),
        ),
        megabytes=sum(one.size for one in seen) / 1e6,
        trainings=2 if contract.data.has_made_rows else 1,
        models=tuple(model.parameters for model in models),
        layers=2 if selection.made else LAYERS,
        bytes_a_weight=4.0 if dtype == "float32" else 2.0,
        gigaflops=gigaflops,
        gigabytes=gigabytes,
        beside=tuple(case_of(other, look_at_rows(other), rates) for other in run.together),
    )


def _given(run: "Run") -> int:
    """Tokens that a prompt shows at most of a text that comes with its question."""
    context = run.settings("selection", SelectionConfig).context
    return context.length if context else GIVEN


def _tokens(texts: list[str | None]) -> float:
    given = [text for text in texts if text]
    return sum(map(len, given)) / CHARACTERS / len(given) if given else 0.0


def _prompting(config: PromptingConfig, case: Case, context: float, tokens: int, task: Task) -> float:
    """Each round asks the methods that are left on the rows that are new; then the best one with each element that may be
    added, on the rows that decide, a search all its calls, and the best one without each element that may be left out."""
    methods, before, seconds = len(config.methods) * len(config.readings), 0, 0.0
    shown = context + EXAMPLE_SHARE * config.example_words
    decided = min(config.validation_rows or case.rows["validation"], case.rows["validation"])
    if config.search:  # the proposal, and random search's beside it; both read validation, the prompt at hand does as well
        proposals = 1 if config.search.by == RIVAL else 2
        seconds += case.answers(proposals * (config.search.calls + decided), shown, tokens)
    for wanted, left in zip(config.rows, config.keep, strict=True):
        rows = min(wanted, case.rows["validation"])
        seconds += methods * case.answers(rows - before, shown, tokens)
        methods, before = left, rows
    seconds += len(config.elements) * case.answers(before, shown, tokens)
    seconds += case.answers(max(0, decided - before), shown, tokens)
    concerned = [name for name in config.refinements if not task.labels and fault(name).settings(task) is not None]
    seconds += len(concerned) * case.answers(2 * FAULTY * decided, shown, tokens)
    if config.leave_one_out:
        seconds += len(MAY_BE_LEFT_OUT) * case.answers(decided, shown, tokens)
    return seconds + case.answers(_looked(decided, config.rows_at_most, case), shown, tokens)


def _retrieval(config: RetrievalConfig, case: Case, context: float, tokens: int) -> float:
    """Embedding the base, then validation with the context and without. An embedder that is tuned reads each training
    question, its chunk and the wrong ones once an epoch, and embeds the base again."""
    rows = min(config.rows or case.rows["validation"], case.rows["validation"])
    embedding = case.forward(case.passages * case.passage, EMBEDDED_WEIGHTS)
    if tuning := config.embedder_tuning:
        chunk = min(case.passage, config.chunk_words * 1.35 or case.passage)
        lessons = tuning.epochs * case.rows["train"] * (case.text + (1 + tuning.hard_negatives) * chunk)
        embedding = 2 * embedding + LESSON * case.forward(lessons, EMBEDDED_WEIGHTS)
    looked = case.answers(_looked(rows, config.rows_at_most, case), context, tokens)
    return embedding + case.answers(rows, context, tokens) + case.answers(rows, 0, tokens) + looked


def _looked(first: int, at_most: int | None, case: Case) -> float:
    """Answers of two candidates to the rows of later looks, half of which are asked: of proposals that are no better, half
    end at the first look."""
    there = case.rows["validation"] + case.rows["train"]
    return max(0, min(at_most or there, there) - first)


def _tuning(config: TuningConfig, case: Case, context: float, answer: float, contract: UseCase) -> float:
    """Rows a number of times and practice once through the trained layers, all once through the others; then validation. A
    search takes its minutes, or as long as its first trial, which always ends."""
    trainings = case.trainings + bool(config.pseudo_labels)
    if config.fits_labels:  # one pass over each text alone, of an answer too
        decide = min(config.validation_rows or case.rows["validation"], case.rows["validation"])
        return trainings * case.forward((case.rows["train"] + decide) * case.text)
    own = _trained(config, case, context, answer)
    rows = config.calibration_rows if contract.task.quoted and context else config.validation_rows
    judged = case.answers(min(rows or case.rows["validation"], case.rows["validation"]), context, answer)
    once = own + judged
    first = max(60 * config.minutes, SEARCHED * once) + judged if config.minutes else once
    before = _pretraining(config.pretraining, case, _share(config, case)) if config.pretraining else 0
    folds = _folds(config, case, own, judged, context, answer)
    return first + (trainings - 1) * once + before + _together(config, case, once) + folds


def _folds(config: TuningConfig, case: Case, own: float, judged: float, context: float, answer: float) -> float:
    """Once more a fold on the rows of the others, then all training rows answered by it and by the candidate at hand; half
    of that, since half of the proposals that are no better end before."""
    if not config.folds:
        return 0.0
    trained = (config.folds - 1) * own + config.folds * judged
    return (trained + case.answers(2 * case.rows["train"], context, answer)) / 2


def _together(config: TuningConfig, case: Case, once: float) -> float:
    """Once more, with the rows of other use cases besides."""
    read = sum(_trained(config, one, min(one.passage, GIVEN), one.answer) for one in case.beside)
    return once + read if case.beside else 0.0


def _trained(config: TuningConfig, case: Case, context: float, answer: float) -> float:
    """Seconds of the training steps, and of the frozen layers before them."""
    share = _share(config, case)
    row = min(config.max_tokens, PROMPT + case.text + context + answer)
    practice = min(config.practice_rows, case.rows["practice"]) if context else 0
    read = practice * (PROMPT + case.text + PRACTICE)
    trained = BACKWARD * share * case.forward(row * case.rows["train"] * config.epochs + read)
    return trained + (1 - share) * case.forward(row * case.rows["train"] + read)


def _share(config: TuningConfig, case: Case) -> float:
    """Of the layers, how many are trained."""
    return min(1.0, config.layers / case.layers)


def _pretraining(config: Pretraining, case: Case, share: float) -> float:
    """Documents through the trained layers, once through the others; what measures it is read before and after."""
    number, length = case.documents
    tokens = min(number, config.documents_at_most) * length
    trained = BACKWARD * share * case.forward(tokens * config.epochs) + (1 - share) * case.forward(tokens)
    return trained + 4 * case.forward(config.perplexity_tokens)


def _feedback(config: FeedbackConfig, tuning: float, case: Case, context: float, answer: float) -> float:
    """The split is answered; half of its rows become pairs, of two sequences each, and the result is judged as tuning's."""
    rows = min(config.rows or case.rows["feedback"], case.rows["feedback"])
    pairs = rows / 2 if rows / 2 >= config.minimum_pairs else 0
    aligned = BACKWARD * case.forward(2 * pairs * (PROMPT + case.text + context))
    judged = case.answers(case.rows["validation"], context, answer) if pairs else 0.0
    return case.answers(rows, context, answer) + min(aligned + judged, tuning)


def _evaluation(config: EvaluationConfig, case: Case, context: float, answer: float, contract: UseCase) -> float:
    """Test for the candidate, its base weights and the base model; benchmarks and checks of two models; rows asked twice
    otherwise. What the policy bounds is asked for about twice as many items."""
    bounded = {*contract.policy.bias_at_most, *contract.policy.failing_at_most}
    grown = 1 + (config.looks > 1)

    def items(counts: dict[str, int]) -> int:
        return sum(
            min(count * grown, max(count, config.items_at_most)) if name in bounded else count
            for name, count in counts.items()
        )

    test = min(config.test_rows or case.rows["test"], case.rows["test"])
    asked = 3 * test + 2 * 2 * min(config.otherwise, test) + 2 * items(config.checks)
    loads = 5 + 2 * sum(bool(count) for count in config.checks.values()) // 3
    benchmarks = 2 * case.forward(BENCHMARK_ITEM * items(config.benchmarks))
    alone = config.requests * case.answers(BATCH / 4, context, answer, 0)
    return case.answers(asked, context, answer, loads) + benchmarks + alone


def _optimization(config: OptimizationConfig, case: Case, context: float, answer: float, evaluation: float) -> float:
    """Each variant is built, asked for validation and timed; where one is taken, it is evaluated: half of the first time,
    since its references are measured."""
    if not config.variants:
        return 0.0
    rows = min(config.validation_rows or case.rows["validation"], case.rows["validation"])
    built = 5.0 + VARIANT * case.weights / (IN_LAYERS * 134_515_008)
    timed = config.requests * case.answers(BATCH / 4, context, answer, 0)
    return len(config.variants) * (built + case.answers(rows, context, answer) + timed) + evaluation / 2


def seconds_together(run: "Run", case: Case) -> float:
    """What of the seconds of tuning is for the training together with other use cases."""
    alone, both = (seconds_of_stages(run, one)["tuning"] for one in (replace(case, beside=()), case))
    return round(both - alone, 1)


def minutes(seconds: float) -> int:
    """Whole minutes, at least one where there is anything to do."""
    return max(1, ceil(seconds / 60 - 0.5)) if seconds else 0
