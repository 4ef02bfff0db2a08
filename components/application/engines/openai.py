"""Any endpoint that speaks OpenAI's chat completions: vLLM, llama.cpp, a hosted model. Temperature 0.

Whether inputs may leave this machine is the contract's policy, checked before a Candidate with this engine is made. A key is
read from OPENAI_API_KEY. An endpoint may batch and round as it likes: the same prompt need not give the same answer.
"""

import json
import os
from typing import TYPE_CHECKING

from components.core import BadInput, Candidate, Machine, MachineFault, Store

from ..ending import Ending, Pieces
from ..prompt import without_role_tags

if TYPE_CHECKING:
    import httpx

ARCHITECTURES = ()  # whatever the server runs
PACKAGES = ("httpx",)
QUOTES = False

TIMEOUT = 120.0
"""Seconds for one answer."""


class Engine:
    """See engines/__init__.py. No `score`: labels are generated and matched."""

    def __init__(self, candidate: Candidate, store: Store, machine: Machine) -> None:
        import httpx

        if not candidate.runtime.url or candidate.model is None:
            raise BadInput("candidate: engine 'openai' needs runtime.url and a model name")
        self.url, self.name = candidate.runtime.url.rstrip("/"), candidate.model.name
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

        body = self._body(messages, max_new_tokens, first_line) | {"stream": True}
        ending = Ending()
        try:
            with self._client.stream("POST", f"{self.url}/v1/chat/completions", json=body) as reply:
                if reply.is_error:
                    reply.read()
                    self._refuse(reply)
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
        return ending

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _ask(self, messages: list[dict[str, str]], max_new_tokens: int, first_line: bool) -> str:
        import httpx

        try:
            reply = self._client.post(
                f"{self.url}/v1/chat/completions", json=self._body(messages, max_new_tokens, first_line)
            )
        except httpx.TransportError as error:
            raise self._down(error) from error
        if reply.is_error:
            self._refuse(reply)
        try:
            return str(reply.json()["choices"][0]["message"]["content"] or "")
        except (ValueError, LookupError, TypeError) as error:
            raise MachineFault(f"{self.url}: the answer is not a chat completion: {reply.text[:200]}") from error

    def _body(self, messages: list[dict[str, str]], max_new_tokens: int, first_line: bool) -> dict[str, object]:
        # the endpoint's template would read them as its own
        messages = [{**one, "content": without_role_tags(one["content"])} for one in messages]
        body: dict[str, object] = {"model": self.name, "messages": messages, "max_tokens": max_new_tokens, "temperature": 0}
        return body | ({"stop": ["\n"]} if first_line else {})

    def _refuse(self, reply: "httpx.Response") -> None:
        raise MachineFault(f"{self.url}: the endpoint answered {reply.status_code}: {reply.text[:200]}")

    def _down(self, error: Exception) -> MachineFault:
        return MachineFault(
            f"{self.url}: no endpoint answers there ({type(error).__name__}). Start it, or correct runtime.url"
        )
