"""Every objective that learns from preference pairs or documents through the real thing: what it prefers or expects, killed,
resumed, refused."""

import random
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from trl.experimental.orpo import ORPOTrainer

from components.training import DOCUMENTS, OBJECTIVES, PREFERENCES
from components.training.answer_head import answer_head
from components.training.documents import Spans, corrupted, packed, stands
from components.training.examples import Example
from components.training.loop import load_tokenizer, prepare
from components.training.objectives import objective
from components.training.objectives.kto import _answers
from components.training.objectives.orpo import odds_ratio_loss
from components.training.pairs import Pair
from components.training.perplexity import nats
from components.tuning import Config
from tests.training.killed import killed_after_a_checkpoint
from tests.training.test_techniques import EXAMPLES, ONE, base, recipe, train, weights, world  # noqa: F401

PAIRS = [Pair(one.ids[: one.start], one.ids[one.start :], (9, 8, 7 + i)) for i, one in enumerate(EXAMPLES)]


def align(name: str, base: Path, scratch: Path, start: Path, **changed: object):  # noqa: F811
    way, exact = objective(name), recipe("lora").model_copy(update={"learning_rate": 5e-3, **changed})
    return way.train(exact, way.Settings(), base, PAIRS, scratch, ONE, start=start)


def margin(base: Path, adapter: Path) -> float:  # noqa: F811
    """By how much the better answers are likelier than the worse ones, in nats a pair."""
    ready = prepare(recipe("lora"), base, adapter, ONE)
    answer_head(ready.body)
    found = 0.0
    with torch.no_grad():
        for pair in PAIRS:
            for side, sign in zip(pair.sides, (1, -1), strict=True):
                ids = torch.tensor([side])
                labels = ids.clone()
                labels[:, : len(pair.prompt)] = -100
                out = ready.model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels)
                found += sign * float(out.log_probs.sum())
    return found / len(PAIRS)


def test_every_file_says_what_its_rows_are() -> None:
    assert set(PREFERENCES) == {"dpo", "kto", "orpo"}
    assert set(DOCUMENTS) == {"causal", "denoising", "mixture"}
    kinds = {
        **dict.fromkeys(OBJECTIVES, "examples"),
        **dict.fromkeys(PREFERENCES, "pairs"),
        **dict.fromkeys(DOCUMENTS, "documents"),
    }
    assert {name: objective(name).ROWS for name in OBJECTIVES} == kinds


@pytest.mark.parametrize("name", PREFERENCES)
def test_the_better_answer_becomes_likelier_and_a_killed_training_resumes(name: str, base: Path, tmp_path: Path) -> None:  # noqa: F811
    start = train("lora", base, tmp_path / "first", epochs=1).folder
    unbroken = align(name, base, tmp_path / "unbroken", start)
    assert margin(base, unbroken.folder) > margin(base, start) + 0.01
    killed_after_a_checkpoint(tmp_path / "killed", align, name, base, tmp_path / "killed", start)
    resumed = align(name, base, tmp_path / "killed", start)
    assert resumed.resumed
    assert weights(resumed.folder) == weights(unbroken.folder)
    assert resumed.tokens == unbroken.tokens == 4 * sum(pair.tokens for pair in PAIRS)


def test_the_odds_ratio_is_that_of_the_reference_implementation() -> None:
    torch.manual_seed(0)
    mask = torch.tensor([[0, 1, 1, 1], [0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 1]])
    logs = -torch.rand(4, 4) * mask
    means = logs.sum(1) / mask.sum(1)
    given = SimpleNamespace(beta=0.3, accelerator=SimpleNamespace(device="cpu"))
    losses = ORPOTrainer.odds_ratio_loss(given, means[:2], means[2:])[0]
    expected = -logs[:2].sum() / mask[:2].sum() - losses.mean()
    assert torch.allclose(odds_ratio_loss(logs, mask, 0.3), expected)


def test_divergence_is_estimated_from_answers_to_other_questions() -> None:
    rows = _answers(PAIRS[:3])
    for at, row in enumerate(rows):
        others = [answer for i, pair in enumerate(PAIRS[:3]) if i != at // 2 for answer in (pair.chosen, pair.rejected)]
        assert tuple(row["KL_completion_ids"]) in others
    assert [row["label"] for row in rows] == [True, False] * 3
    assert len(_answers(PAIRS[:1])) == 2


def test_an_objective_that_takes_no_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="'sft' learns from no preference pairs; allowed: dpo, kto, orpo"):
        Config(preference="sft")


PLANTS, PLACES = ("ivy", "moss", "fern", "sage"), ("wall", "lake", "hill", "barn")


def documents(base: Path, first: int, number: int) -> list[list[int]]:  # noqa: F811
    """Texts made by rule: each names one plant and one place three times."""
    tokenizer = load_tokenizer(base)
    texts = [
        " ".join(
            f"In {year} the {PLANTS[at % 4]} grew by the {PLACES[at // 4 % 4]}." for year in range(1900 + at, 1903 + at)
        )
        for at in range(first, first + number)
    ]
    return [tokenizer(text, add_special_tokens=False).input_ids for text in texts]


def read(name: str, base: Path, scratch: Path, technique: str = "lora", **changed: object):  # noqa: F811
    way, exact = objective(name), recipe(technique).model_copy(update={"epochs": 6, "learning_rate": 5e-3, **changed})
    return way.train(exact, way.Settings(block=64), base, documents(base, 0, 24), scratch, ONE)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_domain_becomes_likelier_and_a_killed_training_resumes(name: str, base: Path, tmp_path: Path) -> None:  # noqa: F811
    unbroken, other = read(name, base, tmp_path / "unbroken"), documents(base, 40, 6)
    before, after = (nats(recipe("lora"), base, adapter, other, ONE) for adapter in (None, unbroken.folder))
    assert sum(after) < 0.95 * sum(before), "documents that were not trained on"
    killed_after_a_checkpoint(tmp_path / "killed", read, name, base, tmp_path / "killed")
    resumed = read(name, base, tmp_path / "killed")
    assert resumed.resumed
    assert weights(resumed.folder) == weights(unbroken.folder)


def test_supervised_tuning_goes_on_from_what_documents_taught(base: Path, tmp_path: Path) -> None:  # noqa: F811
    first = read("causal", base, tmp_path / "first").folder
    way = objective("sft")
    after = way.train(recipe("lora"), way.Settings(), base, EXAMPLES, tmp_path / "after", ONE, start=first)
    fresh = way.train(recipe("lora"), way.Settings(), base, EXAMPLES, tmp_path / "fresh", ONE)
    assert after.losses[0] != fresh.losses[0]
    assert weights(after.folder) != weights(fresh.folder)


def test_a_text_is_as_likely_alone_as_among_others_of_other_lengths(base: Path) -> None:  # noqa: F811
    texts = [one[: 9 + 7 * at] for at, one in enumerate(documents(base, 0, 10))]
    together = nats(recipe("lora"), base, None, texts, ONE)
    model = prepare(recipe("full"), base, None, ONE).model
    for text, found in zip(texts, together, strict=True):
        ids = torch.tensor([text])
        logs = model(input_ids=ids).logits[0, :-1].float().log_softmax(-1)
        assert found == pytest.approx(-float(logs.gather(1, ids[0, 1:, None]).sum()), rel=1e-4)


def test_blocks_hold_every_token_of_the_documents_and_no_padding() -> None:
    given = [list(range(10 * at, 10 * at + 5 + at)) for at in range(9)]
    blocks = packed(given, 999, 16, seed=1)
    assert {len(block) for block in blocks[:-1]} == {16}
    joined = [token for block in blocks for token in block]
    assert sorted(joined) == sorted([*(token for one in given for token in one), *[999] * len(given)])
    assert blocks == packed(given, 999, 16, seed=1) != packed(given, 999, 16, seed=2)


def restored(row: Example, marks: list[tuple[int, ...]], end: int) -> tuple[int, ...]:
    """The block of a corrupted row: its spans put back in place of their sentinels."""
    masked, learned = row.ids[: row.start], row.ids[row.start :]
    assert learned[-1] == end
    spans = learned[:-1]
    used = [mark for mark in marks if stands(mark, masked)]
    for mark, following in zip(used, [*used[1:], None], strict=True):
        at = next(i for i in range(len(spans)) if spans[i : i + len(mark)] == mark)
        assert at == 0
        spans = spans[len(mark) :]
        stop = next((i for i in range(len(spans)) if following and spans[i : i + len(following)] == following), len(spans))
        place = next(i for i in range(len(masked)) if masked[i : i + len(mark)] == mark)
        masked, spans = (*masked[:place], *spans[:stop], *masked[place + len(mark) :]), spans[stop:]
    assert not spans
    return masked


@pytest.mark.parametrize(("noise", "span", "length"), [(0.15, 3.0, 256), (0.5, 1.0, 33), (0.9, 8.0, 17), (0.01, 3.0, 2)])
def test_spans_put_back_give_the_document(noise: float, span: float, length: int) -> None:
    marks = [(900, 901 + at, 902) for at in range(80)]
    for seed in range(20):
        draw = random.Random(seed)
        block = tuple(draw.randrange(50) for _ in range(length))
        if seed % 2 and length > 20:  # a document that speaks of the first sentinel
            block = (*block[:10], *marks[0], *block[13:])
        row = corrupted(block, marks, 999, Spans(noise=noise, span=span), draw)
        free = [mark for mark in marks if not stands(mark, block)]
        assert restored(row, free, 999) == block
        gone = len(block) - sum(token < 900 for token in row.ids[: row.start]) - 3 * stands(marks[0], block)
        assert abs(gone - max(1, round(noise * length))) <= 3
