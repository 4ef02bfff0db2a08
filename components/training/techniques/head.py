"""Frozen features with a trained head: a linear layer over what the untouched model makes of a text gives its label.

The head of transformers' sequence classification is taken out, the model runs once over each training text, and what the
head would read (a decoder's last token, an encoder's pooled state) is what a softmax regression learns from; where a text
may have several labels, a logistic regression for each. The result is an ordinary checkpoint, served in one pass without
decoding. The strength of the L2 penalty is the one with the least loss on a part of the training rows that is held out; then
all rows are fitted. torch's L-BFGS in place of scikit-learn's LogisticRegression, with which a test compares it: that one
has no weights for a label that no row has. Not covered: a mean over tokens, which a decoder's checkpoint has no form for.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from components.application.label_head import LabelModel, open_label_model
from components.application.weights import save_checkpoint
from components.core import BadInput, Frozen, Machine, report

from ..recipe import Recipe, Trained
from . import LABEL_HEAD, Fitted

if TYPE_CHECKING:
    import torch

PRODUCT, MERGEABLE = LABEL_HEAD, False
PACKAGES = ()
STEPS = 500
"""Of L-BFGS at most; 576 features of 500 rows take some 40."""


class Settings(Frozen):
    """How the head is fitted."""

    penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field((1.0, 0.1, 0.01, 0.001, 0.0001), min_length=1)
    """Strengths of the L2 penalty, beside the mean loss of a row, that are tried; the first where there is no row to choose
    by."""
    held_out: float = Field(0.2, gt=0, lt=1)
    """Share of the training rows that the penalty is chosen on."""


def fit(
    recipe: Recipe,
    base: Path,
    texts: Sequence[str],
    answers: Sequence[Sequence[int]],
    names: Sequence[str],
    several: bool,
    folder: Path,
    machine: Machine,
) -> Fitted:
    """See techniques/__init__.py. Raises BadInput where the model has no head of labels, or lacks other weights too."""
    import torch

    own, started = Settings.model_validate(recipe.settings), time.perf_counter()
    opened = open_label_model(base, recipe.dtype, machine, names)
    place, head = _head(opened, len(names))
    if missing := [name for name in opened.missing if not name.startswith(f"{place}.")]:
        raise BadInput(f"candidate: its checkpoint lacks the weights {missing[0]}, so that its features would be random")
    total = sum(one.numel() for one in opened.model.parameters())
    report("features of the training texts")
    opened.model.set_submodule(place, torch.nn.Identity())
    lengths = opened.lengths(texts)
    features = opened.outputs(texts, lengths).double()
    seconds = time.perf_counter() - started
    wanted = torch.zeros(len(texts), len(names), dtype=torch.float64)
    for row, answer in enumerate(answers):
        wanted[row, list(answer)] = 1
    penalty, held_out, loss = _chosen(features, wanted, several, head.bias is not None, own, recipe.seed)
    weight, bias = fitted(features, wanted, several, head.bias is not None, penalty)
    with torch.no_grad():
        head.weight.copy_(weight)
        if head.bias is not None:
            head.bias.copy_(bias)
    opened.model.set_submodule(place, head)
    opened.model.config.problem_type = "multi_label_classification" if several else "single_label_classification"
    save_checkpoint(opened.model, base, folder, opened.tokenizer)
    share = sum(one.numel() for one in head.parameters()) / total
    tokens = sum(min(length, opened.window) for length in lengths)
    trained = Trained(folder, [], tokens, time.perf_counter() - started - seconds, seconds, False, share)
    return Fitted(trained, penalty, held_out, loss, sum(length > opened.window for length in lengths))


def fitted(
    features: "torch.Tensor", wanted: "torch.Tensor", several: bool, biased: bool, penalty: float
) -> "tuple[torch.Tensor, torch.Tensor]":
    """(weights [labels, features], bias [labels]) of the least mean loss with `penalty` / 2 times the squared weights beside
    it, those of features that are brought to one scale. features [rows, features], wanted [rows, labels]: float64."""
    import torch

    middle = features.mean(0) if biased else torch.zeros_like(features[0])
    scale = (features - middle).square().mean(0).sqrt()
    scale = torch.where(scale > 1e-9, scale, torch.ones_like(scale))
    standard = (features - middle) / scale
    weight = torch.zeros(wanted.shape[1], features.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(wanted.shape[1], dtype=torch.float64, requires_grad=biased)
    optimizer = torch.optim.LBFGS(
        [weight, bias] if biased else [weight],
        max_iter=STEPS, tolerance_grad=1e-7, tolerance_change=1e-12, line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        whole = _loss(standard @ weight.T + bias, wanted, several) + penalty / 2 * weight.square().sum()
        whole.backward()
        return whole

    optimizer.step(closure)
    scaled = weight.detach() / scale
    return scaled, bias.detach() - scaled @ middle


def _chosen(
    features: "torch.Tensor", wanted: "torch.Tensor", several: bool, biased: bool, own: Settings, seed: int
) -> tuple[float, int, float | None]:
    """(the penalty of the least loss on rows that are held out, how many those are, that loss)"""
    order = list(range(len(features)))
    random.Random(f"head/{seed}").shuffle(order)
    held, rest = order[: int(own.held_out * len(order))], order[int(own.held_out * len(order)) :]
    if not held or len(own.penalties) == 1:
        return own.penalties[0], 0, None
    losses = {}
    for penalty in own.penalties:
        weight, bias = fitted(features[rest], wanted[rest], several, biased, penalty)
        losses[penalty] = float(_loss(features[held] @ weight.T + bias, wanted[held], several))
    best = min(losses, key=lambda penalty: losses[penalty])
    return best, len(held), losses[best]


def _loss(logits: "torch.Tensor", wanted: "torch.Tensor", several: bool) -> "torch.Tensor":
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

    return (binary_cross_entropy_with_logits if several else cross_entropy)(logits, wanted)


def _head(opened: LabelModel, labels: int) -> "tuple[str, torch.nn.Linear]":
    """(name, layer) of what gives the labels: the model's last linear layer."""
    import torch

    name, layer = [one for one in opened.model.named_modules() if isinstance(one[1], torch.nn.Linear)][-1]
    if layer.out_features != labels:
        raise BadInput(f"candidate: the head of {type(opened.model).__name__} is no linear layer of a row a label")
    return name, layer
