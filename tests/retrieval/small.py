"""A small knowledge base in a store of its own, the embedding model that the project's workspace holds, a made reader."""

from collections.abc import Sequence
from pathlib import Path

from components.application import checkpoint
from components.core import (
    Candidate,
    Dataset,
    Machine,
    Metrics,
    Passage,
    Prompt,
    PromptTurn,
    Retriever,
    Row,
    Runtime,
    Split,
    Step,
    Task,
    Workspace,
    fetch,
    write_jsonl,
)

PLACES = (
    "Paris Seine",
    "Rome Tiber",
    "Lima Rimac",
    "Cairo Nile",
    "Tokyo Sumida",
    "Delhi Yamuna",
    "Sofia Iskar",
    "Bern Aare",
)
FILLER = "It has many streets, squares and markets, and people come from far away to see them in every season of the year. "
TASK = Task(kind="question_answering", instruction="Answer the question from the passage.", abstain="unknown")
METRICS = Metrics(primary="f1_answerable", at_least=0.1, minimum_effect=0.02)


def step_in(folder: Path, key: str = "0" * 64) -> Step:
    """A step in a workspace of its own, which shares the assets of the project's workspace."""
    shared = Workspace()
    fetch("minilm", shared)
    workspace = Workspace(folder)
    if not workspace.assets.exists():
        workspace.assets.symlink_to(shared.assets)
    return Step(key, workspace.store.scratch(key), workspace, Machine())


def split(name: str, rows: list, step: Step) -> Split:
    """`rows` as a split of the store."""
    path = step.scratch / f"{name}.jsonl"
    write_jsonl(path, rows)
    return Split(name=name, object=step.store.put(path), count=len(rows))


def dataset(step: Step) -> Dataset:
    """A passage of about 100 words a place, the answer in its last sentence; two questions a place, one unanswerable."""
    passages, rows = [], []
    for place in PLACES:
        city, river = place.split()
        text = f"{city} is an old city. {FILLER * 4}The river that flows through {city} is called the {river}."
        passages.append(Passage(id=city, text=text))
        question = f"what is the name of the mayor no sorry the river in {city}"
        rows.append(Row(id=f"{city} river", text=question, answer=river, passage=city))
        rows.append(Row(id=f"{city} bridge", text=f"who built the oldest bridge of {city}", answer="unknown", passage=city))
    knowledge = split("passages", passages, step)
    splits = {"train": rows[:8], "feedback": rows[4:12], "validation": rows[8:14], "test": rows[14:]}
    return Dataset(
        splits={name: split(name, part, step) for name, part in splits.items()},
        knowledge=knowledge,
        training_knowledge=split("training", passages[:6], step),
        provenance="",
    )


def candidate(data: Dataset, step: Step) -> Candidate:
    """The made reader with the best passage by BM25 in its prompt."""
    return Candidate(
        task="question_answering",
        abstain="unknown",
        runtime=Runtime(engine="transformers"),
        model=checkpoint("made:two-layer", "made", "apache-2.0", step),
        prompt=Prompt(
            method="zero_shot", turns=(PromptTurn(user="{{context}}\nQuestion: {{input}}\nAnswer:", max_new_tokens=4),)
        ),
        retriever=Retriever(scoring="bm25", knowledge=data.knowledge.object),
    )


def tiny_embedder(folder: Path, texts: Sequence[str]) -> Path:
    """Write a sentence embedder of two layers with random weights, which knows the words of `texts`, into `folder`."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = sorted({word for text in texts for word in text.lower().replace(".", " .").split()})
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config, add_pooling_layer=False).save_pretrained(folder / "plain")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    ).save_pretrained(folder / "plain")
    modules = [Transformer(str(folder / "plain")), Pooling(32), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(folder / "embedder"), create_model_card=False)
    return folder / "embedder"
