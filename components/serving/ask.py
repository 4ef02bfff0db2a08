"""Ask a running endpoint as any OpenAI client would, and check what comes back."""

from collections.abc import Sequence

from components.core import Frozen, MachineFault, progress
from components.text.turns import Turn, turns_of

from .chat import Completion


class Asked(Frozen):
    """One question and what the endpoint said."""

    question: str
    answer: str
    answer_id: str
    passages: tuple[str, ...]


def ask(url: str, question: str, timeout: float = 120, *, turns: bool = False) -> Asked:
    """POST one question to `url`/v1/chat/completions. timeout: seconds. turns: it is a conversation
    (components/text/turns.py), sent as its messages. Raises MachineFault when no answer comes."""
    import httpx

    said = turns_of(question) if turns else [Turn("user", question)]
    body = {"messages": [{"role": turn.role, "content": turn.text} for turn in said]}
    try:
        response = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=timeout, trust_env=False)
    except httpx.HTTPError as error:
        raise MachineFault(f"the endpoint {url} does not answer: {error}") from error
    if response.status_code != 200:
        raise MachineFault(f"the endpoint {url} answered {response.status_code}: {response.text[:300]}")
    reply: Completion = response.json()
    extra = reply["ninefold"]
    return Asked(
        question=question,
        answer=reply["choices"][0]["message"]["content"],
        answer_id=extra["answer_id"],
        passages=tuple(passage["id"] for passage in extra["passages"]),
    )


def smoke_test(url: str, questions: Sequence[str], *, passages: bool = False, turns: bool = False) -> list[Asked]:
    """Ask every question and return the answers, in order.

    passages: the application has a retriever, so each answer must name where it came from
    turns: see `ask`
    Raises MachineFault for an answer that is empty or lacks its passages.
    """
    asked = [ask(url, question, turns=turns) for question in progress(questions, "asking the endpoint")]
    return checked(asked, f"the endpoint {url}", passages=passages)


def checked(asked: list[Asked], who: str, *, passages: bool = False) -> list[Asked]:
    """`asked` as it is. Raises MachineFault for an answer of `who` that is empty, or lacks its passages where it must have
    them."""
    for one in asked:
        if not one.answer.strip():
            raise MachineFault(f"{who} gave an empty answer to: {one.question}")
        if passages and not one.passages:
            raise MachineFault(f"{who} named no passage for its answer to: {one.question}")
    return asked
