"""Every objective that learns from preference pairs through the real thing: what it prefers, killed, resumed, refused."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from trl.experimental.orpo import ORPOTrainer

from components.training import OBJECTIVES, PREFERENCES
from components.training.answer_head import answer_head
from components.training.loop import prepare
from components.training.objectives import objective
from components.training.objectives.kto import _answers
from components.training.objectives.orpo import odds_ratio_loss
from components.training.pairs import Pair
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
    assert {name: objective(name).ROWS for name in OBJECTIVES} == {
        name: "pairs" if name in PREFERENCES else "examples" for name in OBJECTIVES
    }


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
