"""Any endpoint that speaks OpenAI's chat completions: vLLM, llama.cpp, a hosted model. Temperature 0.

An endpoint that is busy (429, 5xx) is asked again, when it says so or after a growing pause. What it answers to a few fixed
questions is part of a Candidate (`own["fixed_answers"]`), so that a model that was changed behind its name is noticed.
Whether inputs may leave this machine is the contract's policy, checked before a Candidate with this engine is made. A key is
read from OPENAI_API_KEY. An endpoint may batch and round as it likes: the same prompt need not give the same answer.
"""

import json
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from components.core import BadInput, Candidate, Machine, MachineFault, Store

from ..ending import Ending, Pieces
from ..prompt import without_role_tags

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

ARCHITECTURES = ()  # whatever the server runs
PACKAGES = ("httpx", "tenacity")
QUOTES = False
CONTEXT = False

TIMEOUT = 120.0
"""Seconds for one answer."""
BUSY = (408, 409, 429, 500, 502, 503, 504, 529)
"""Answers after which OpenAI's own client asks again, too."""
PATIENCE = 90.0
"""Seconds after which a busy endpoint is given up."""
LONGEST_PAUSE = 20.0
"""Seconds between two tries, where the endpoint names none."""
FIXED = (
    "Name the capital of Australia.",
    "Write the word 'lantern' backwards.",
    "What is 17 times 23?",
    "Finish the sentence: The old lighthouse keeper",
)
FIXED_TOKENS = 16


class _Busy(MachineFault):
    """It asks to be asked again. pause: in so many seconds; None: it does not say."""

    def __init__(self, message: str, pause: float | None) -> None:
        super().__init__(message)
        self.pause = pause


def fixed_answers(url: str, name: str) -> dict[str, str]:
    """What the model `name` behind `url` answers to the fixed questions; those that it answers in two ways are left out.

    Raises MachineFault where no endpoint answers there.
    """
    engine = Endpoint(url, name)
    try:
        return engine.fixed_answers()
    finally:
        engine.close()


def is_another(known: Mapping[str, str], told: Mapping[str, str]) -> bool:
    """Whether most of the fixed questions have another answer: one alone may have it because the endpoint batches and rounds
    as it likes. A question that is not in `told` was answered in two ways, which says nothing."""
    both = known.keys() & told.keys()
    return sum(known[question] != told[question] for question in both) > len(both) / 2


class Endpoint:
    """The model `name` behind `url`. `billed`: tokens that the endpoint counted so far."""

    def __init__(self, url: str, name: str) -> None:
        import httpx

        self.url, self.name = url.rstrip("/"), name
        self.billed = {"input_tokens": 0, "output_tokens": 0}
        key = os.environ.get("OPENAI_API_KEY")
        self._client = httpx.Client(timeout=TIMEOUT, headers={"Authorization": f"Bearer {key}"} if key else {})

    def generate(
        self, prompts: list[list[dict[str, str]]], max_new_tokens: int, first_line: bool = False, quotes: None = None
    ) -> list[str]:
        """See engines/__init__.py; one request a prompt. quotes: an endpoint cannot be held to them (`load` refuses)."""
        return [self._ask(prompt, max_new_tokens, first_line) for prompt in prompts]

    def stream(
        self, messages: list[dict[str, str]], max_new_tokens: int, first_line: bool = False, quotes: None = None
    ) -> Pieces:
        """See engines/__init__.py."""
        import httpx

        ending = Ending()
        reply = self._send(self._body(messages, max_new_tokens, first_line) | {"stream": True})
        try:
            for line in reply.iter_lines():
                data = line.removeprefix("data:").strip()
                if line.startswith("data:") and data != "[DONE]":
                    for choice in json.loads(data)["choices"]:
                        if piece := choice["delta"].get("content"):
                            yield piece
                        if choice.get("finish_reason") == "length":
                            ending = Ending("length", max_new_tokens)
        except httpx.TransportError as error:
            raise self._down(error) from error
        finally:
            reply.close()
        return ending

    def fixed_answers(self) -> dict[str, str]:
        """Fixed question → answer, for those that are answered twice in one way."""
        first, second = ({one: self._fixed(one) for one in FIXED} for _ in range(2))
        return {question: answer for question, answer in first.items() if second[question] == answer}

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def same_as(self, known: Mapping[str, str]) -> None:
        """Raise MachineFault where it is another model than when it was selected."""
        if is_another(known, {question: self._fixed(question) for question in known}):
            raise MachineFault(
                f"{self.url}: the model behind '{self.name}' answers most of {len(known)} fixed questions otherwise than "
                "when it was measured, so that it is another one. Run the use case again, which measures it anew"
            )

    def _fixed(self, question: str) -> str:
        return self._ask([{"role": "user", "content": question}], FIXED_TOKENS, first_line=False)

    def _ask(self, messages: list[dict[str, str]], max_new_tokens: int, first_line: bool) -> str:
        reply = self._send(self._body(messages, max_new_tokens, first_line))
        try:
            content = json.loads(reply.read())
            said = str(content["choices"][0]["message"]["content"] or "")
            used = content.get("usage") or {}
            self.billed["input_tokens"] += int(used.get("prompt_tokens") or 0)
            self.billed["output_tokens"] += int(used.get("completion_tokens") or 0)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise MachineFault(f"{self.url}: the answer is not a chat completion: {reply.text[:200]}") from error
        finally:
            reply.close()
        return said

    def _body(self, messages: list[dict[str, str]], max_new_tokens: int, first_line: bool) -> dict[str, object]:
        # the endpoint's template would read them as its own
        messages = [{**one, "content": without_role_tags(one["content"])} for one in messages]
        body: dict[str, object] = {"model": self.name, "messages": messages, "max_tokens": max_new_tokens, "temperature": 0}
        return body | ({"stop": ["\n"]} if first_line else {})

    def _send(self, body: dict[str, object]) -> "httpx.Response":
        """The endpoint's answer, its body not yet read; tried again while it is busy."""
        from tenacity import Retrying, retry_if_exception_type, stop_before_delay

        again = Retrying(
            retry=retry_if_exception_type(_Busy),
            stop=stop_before_delay(PATIENCE),
            wait=_pause,
            sleep=time.sleep,
            reraise=True,
        )
        return again(self._send_once, body)

    def _send_once(self, body: dict[str, object]) -> "httpx.Response":
        import httpx

        try:
            request = self._client.build_request("POST", f"{self.url}/v1/chat/completions", json=body)
            reply = self._client.send(request, stream=True)
            if reply.is_error:
                reply.read()
        except httpx.TransportError as error:
            raise self._down(error) from error
        told = f"{self.url}: the endpoint answered {reply.status_code}: {reply.text[:200] if reply.is_error else ''}"
        if reply.status_code in BUSY:
            pause = _asked_pause(reply)
            wanted = "" if pause is None else f"; it wants {pause:g} between two"
            raise _Busy(f"{told} (it is asked again for {PATIENCE:g} seconds{wanted})", pause)
        if reply.is_error:
            raise MachineFault(told)
        return reply

    def _down(self, error: Exception) -> MachineFault:
        return MachineFault(
            f"{self.url}: no endpoint answers there ({type(error).__name__}). Start it, or correct runtime.url"
        )


def _asked_pause(reply: "httpx.Response") -> float | None:
    """Seconds in `Retry-After` (RFC 9110, 10.2.3); None where it names none, or a date."""
    try:
        return max(0.0, float(reply.headers.get("retry-after", "")))
    except ValueError:
        return None


def _pause(state: "RetryCallState") -> float:
    """Seconds until the next try: as the endpoint asked for, else 1, 2, 4 and so on with some chance in it."""
    from tenacity import wait_random_exponential

    busy = state.outcome.exception() if state.outcome else None
    asked = busy.pause if isinstance(busy, _Busy) else None
    return wait_random_exponential(multiplier=1, max=LONGEST_PAUSE)(state) if asked is None else asked


class Engine(Endpoint):
    """See engines/__init__.py. No `score`: labels are generated and matched."""

    def __init__(self, candidate: Candidate, store: Store, machine: Machine) -> None:
        if not candidate.runtime.url or candidate.model is None:
            raise BadInput("candidate: engine 'openai' needs runtime.url and a model name")
        super().__init__(candidate.runtime.url, candidate.model.name)
        if known := candidate.own.get("fixed_answers"):
            self.same_as(known)
