"""The part of OpenAI's chat-completion format that the endpoint speaks: requests, replies, stream chunks, errors.

Format: https://platform.openai.com/docs/api-reference/chat. The application answers one question at a time with greedy
decoding, so sampling settings are accepted and have no effect, and of the messages the last one from the user is the
question. Tools, images and `n` above 1 are refused.
"""

from typing import Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field

MAX_CHARACTERS = 20_000
"""A longer question is refused before the model sees it."""


class Part(BaseModel):
    """One part of a message; only text is understood."""

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part]

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content)


class ChatRequest(BaseModel):
    """POST /v1/chat/completions."""

    model_config = ConfigDict(extra="ignore")

    model: str | None = None
    messages: list[Message] = Field(min_length=1, max_length=200)
    stream: bool = False
    n: Literal[1] = 1
    tools: None = None
    """Not supported: anything else is refused rather than ignored."""

    @property
    def question(self) -> str:
        """The last message from the user, or an empty text."""
        return next((message.text.strip() for message in reversed(self.messages) if message.role == "user"), "")


class Passage(TypedDict):
    """A passage that an answer rests on. score: as the retriever gives it."""

    id: str
    text: str
    score: float


class Ninefold(TypedDict):
    """The field `ninefold` of a reply."""

    answer_id: str
    passages: list[Passage]
    """Best first."""
    model_version: str | None


class AnswerMessage(TypedDict):
    """The answer as a message."""

    role: Literal["assistant"]
    content: str


class Choice(TypedDict):
    """The one answer of a reply."""

    index: int
    message: AnswerMessage
    logprobs: None
    finish_reason: str


class Completion(TypedDict):
    """A whole reply."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: dict[str, int]
    """Token counts."""
    ninefold: Ninefold


def error(message: str, kind: str = "invalid_request_error", code: str | None = None) -> dict[str, dict[str, str | None]]:
    """An error in OpenAI's form."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def completion(id: str, created: int, model: str, text: str, usage: dict[str, int], extra: Ninefold) -> Completion:
    """A whole reply. usage: token counts; extra: the `ninefold` field (answer id, passages, version)."""
    message: AnswerMessage = {"role": "assistant", "content": text}
    return {
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": usage,
        "ninefold": extra,
    }


def chunk(id: str, created: int, model: str, delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
    """One piece of a streamed reply."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {"id": id, "object": "chat.completion.chunk", "created": created, "model": model, "choices": [choice]}
