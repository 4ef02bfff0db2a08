"""The part of OpenAI's chat-completion format that the endpoint speaks: requests, replies, stream chunks, errors.

Format: https://platform.openai.com/docs/api-reference/chat. The application answers one question at a time with greedy
decoding: `temperature`, `top_p` and `seed` have no effect, and of the messages the last one from the user is the question.
Those before it are read where the use case's inputs are conversations (user, assistant, and system, for which `developer` is
another word), and by nobody else. Where the use case's questions come with a text, that message has both: the text, an empty
line, the question; or a part for each. Token limits and stop strings hold. What else would change a reply (tools, response
formats, log-probabilities, penalties, several choices, images) is refused by name.
"""

from typing import ClassVar, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, field_validator

from components.text.turns import ASSISTANT, SYSTEM, USER, Turn, as_text, in_order

from .body import OpenAIBody

MAX_CHARACTERS = 20_000
"""A longer question is refused before the model sees it."""

_SPEAKS = {"system": SYSTEM, "developer": SYSTEM, "user": USER, "assistant": ASSISTANT}
_FORM = "the use case fixes the form of an answer (task); leave it out and read the text"
_GREEDY = "answers are decoded greedily, as they were measured; leave it out"
_TOOLS = "it calls no tools; leave it out"
_TEXT = "it reads and writes text alone; leave it out"


class Message(BaseModel):
    """One message of the conversation. Other fields (a name, the tool calls of a history) are taken and not read."""

    model_config = ConfigDict(strict=True, extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | None = None
    """Text; sent as a text, as parts that are text (an empty line comes between two) or, by an assistant that called a tool,
    as null."""

    @field_validator("content", mode="before")
    @classmethod
    def _text(cls, content: object) -> object:
        return "\n\n".join(map(_text_of, content)) if isinstance(content, list) else content


def _text_of(part: object) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    # the part of an assistant that declined has its text in a field of that name
    text = part.get("refusal" if kind == "refusal" else "text") if isinstance(part, dict) else None
    if kind not in ("text", "refusal") or not isinstance(text, str):
        raise ValueError(f'a part of it is no text but {ascii(kind)[:40]}; send {{"type": "text", "text": "…"}}')
    return text


class StreamOptions(OpenAIBody):
    """What a stream holds beside the answer."""

    include_usage: bool = False
    """A last chunk without choices tells the token counts; all others then have `usage: null`."""

    refused = {"include_obfuscation": ("chunks are not padded; leave it out", (False,))}


class ChatRequest(OpenAIBody):
    """POST /v1/chat/completions."""

    messages: list[Message] = Field(min_length=1, max_length=200)
    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    stop: list[str] = []
    """Sent as a text or a list of texts."""

    # Without effect: a greedy answer is the likeliest at any temperature, and the same for any seed; the others are the
    # caller's own book-keeping, or hints on speed.
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    seed: int | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, object] | None = None
    prediction: dict[str, object] | None = None
    parallel_tool_calls: bool | None = None

    refused: ClassVar = {
        "tools": (_TOOLS, ([],)),
        "tool_choice": (_TOOLS, ("none",)),
        "functions": (_TOOLS, ([],)),
        "function_call": (_TOOLS, ("none",)),
        "web_search_options": (_TOOLS, ()),
        "response_format": (_FORM, ({"type": "text"},)),
        "verbosity": (_FORM, ()),
        "reasoning_effort": ("its prompt says how it reasons; leave it out", ("none",)),
        "logprobs": ("it tells no log-probabilities; leave it out", (False,)),
        "top_logprobs": ("it tells no log-probabilities; leave it out", (0,)),
        "n": ("it gives one answer a request; leave it out, or send 1", (1,)),
        "frequency_penalty": (_GREEDY, (0,)),
        "presence_penalty": (_GREEDY, (0,)),
        "logit_bias": (_GREEDY, ({},)),
        "modalities": (_TEXT, (["text"],)),
        "audio": (_TEXT, ()),
        "moderation": ("it moderates nothing; leave it out", ()),
        "service_tier": ("there is one tier; leave it out", ("auto", "default")),
        "store": ("replies are not to be fetched again; leave it out", (False,)),
    }

    @field_validator("stop", mode="before")
    @classmethod
    def _texts(cls, stop: object) -> object:
        texts = stop if isinstance(stop, list) else [stop]
        if len(texts) > 4 or not all(isinstance(one, str) and one for one in texts):
            raise ValueError("give a text that is not empty, or a list of up to four")
        return texts

    @property
    def question(self) -> str:
        """The last message from the user, or an empty text."""
        asked = (message.content or "" for message in reversed(self.messages) if message.role == "user")
        return next(asked, "").strip()

    @property
    def conversation(self) -> str:
        """All that was said up to that message, as one text (components/text/turns.py). Beyond MAX_CHARACTERS the oldest
        turns are left out: a prompt shows fewer."""
        last = max((place for place, message in enumerate(self.messages) if message.role == "user"), default=-1)
        said = [(_SPEAKS.get(one.role), one.content or "") for one in self.messages[: last + 1]]
        turns = in_order(Turn(role, text) for role, text in said if role)
        first = int(bool(turns) and turns[0].role == SYSTEM)
        while len(text := as_text(turns)) > MAX_CHARACTERS and len(turns) > first + 1:
            del turns[first]
        return text

    @property
    def limit(self) -> int | None:
        """Tokens that the answer may have: the smaller of the two fields that say so."""
        return min((limit for limit in (self.max_tokens, self.max_completion_tokens) if limit is not None), default=None)


class Passage(TypedDict):
    """A passage that an answer rests on. score: as the retriever gives it."""

    id: str
    text: str
    score: float


class Citation(TypedDict):
    """Where a quoted answer stands: characters `start` to `end` (excluded) of a passage as the knowledge base has it, or of
    the text that came with the question ("given")."""

    passage: str
    start: int
    end: int


class Ninefold(TypedDict):
    """The field `ninefold` of a reply."""

    answer_id: str
    passages: list[Passage]
    """Best first."""
    citations: list[Citation]
    """Of a quoted answer, best first; else none."""
    no_answer_probability: float | None
    """That the passages hold no answer; null where the release was not fitted to say."""
    model_version: str | None


class AnswerMessage(TypedDict):
    """The answer as a message."""

    role: Literal["assistant"]
    content: str
    refusal: None


class Choice(TypedDict):
    """The one answer of a reply."""

    index: int
    message: AnswerMessage
    logprobs: None
    finish_reason: Literal["stop", "length"]


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


def error(
    message: str, kind: str = "invalid_request_error", code: str | None = None, param: str | None = None
) -> dict[str, dict[str, str | None]]:
    """An error in OpenAI's form. param: the field of the request that it is about."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def completion(
    id: str,
    created: int,
    model: str,
    text: str,
    finish: Literal["stop", "length"],
    usage: dict[str, int],
    extra: Ninefold,
) -> Completion:
    """A whole reply. usage: token counts; extra: the `ninefold` field (answer id, passages, version)."""
    message: AnswerMessage = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": usage,
        "ninefold": extra,
    }


def chunk(id: str, created: int, model: str, delta: dict[str, str] | None, finish: str | None = None) -> dict[str, object]:
    """One piece of a streamed reply; without `delta` one that has no choice."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    choices = [] if delta is None else [choice]
    return {"id": id, "object": "chat.completion.chunk", "created": created, "model": model, "choices": choices}
