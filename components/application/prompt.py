"""Prompts as data made into chat messages, and what the model said made into an answer.

Not covered: the eight prompting methods (components/prompting builds Prompts), tokenisation and chat templates (engines).
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import regex

from components.core import BadInput, Candidate, Prompt
from components.tasks import kind_of
from components.text import begins, count, fenced, first_words, same, units, unspaced
from components.text.turns import ASSISTANT, SYSTEM, Turn, last_said

from .chat_template import rendered

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_CONTEXT_WORDS = 384
"""Context beyond this is cut, never the question: about 550 tokens, and a 135M model reads no further with profit."""

MAX_INPUT_WORDS = 1024
"""Longer inputs (documents, reviews) lose their tail; the engine guards the model's window in tokens."""

_ROLE_TAG = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>|<(?:start|end)_of_turn>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
    r"|<</?SYS>>|</?s>|<(?:bos|eos)>"
)
"""ChatML, Llama 2 and 3, Mistral, Gemma, Phi, DeepSeek."""

_FIELD = re.compile(r"\{\{\s*(input|message|context|previous)\s*\}\}")
_MESSAGE = re.compile(r"\{\{\s*message\s*\}\}")


def render(
    prompt: Prompt, turn: int, text: str, context: Sequence[str], previous: str = "", whole: bool = False
) -> list[dict[str, str]]:
    """Chat messages ({"role", "content"}) for one turn of `prompt`.

    text:     the question, the text to classify or the document; where the prompt asks for the {{message}}, a conversation
              (components/text/turns.py): its earlier turns become chat turns behind the examples, its system text stands
              behind the prompt's own
    context:  retrieved texts, best first, or the text that came with the question; joined by an empty line
    previous: what the model said in the turn before
    whole:    nothing is cut here (`Runtime.whole`); else context beyond 384 words and input beyond 1,024 is
    Fields are filled in one pass, so braces inside the user's text stay what they are. Where the prompt is `delimited`, what
    fills them stands between marks that it cannot close; else a passage may imitate what follows it ("Question: …").
    """
    most_input, most_context = (None, None) if whole else (MAX_INPUT_WORDS, MAX_CONTEXT_WORDS)
    before, message = _conversation(text, most_input) if reads_turns(prompt) else ([], "")
    fields = {
        "input": cut([text], most_input)[0],
        "message": message,
        "context": "\n\n".join(cut(context, most_context)),
        "previous": previous,
    }

    def fill(template: str) -> str:
        return _FIELD.sub(lambda field: fields[field[1]], template)

    if prompt.delimited:
        fields = {name: fenced(value) for name, value in fields.items()}

    asked = prompt.turns[turn]
    system = "\n\n".join(
        [*([fill(asked.system)] if asked.system else []), *(one.text for one in before if one.role == SYSTEM)]
    )
    messages = [{"role": "system", "content": system}] if system else []
    for shown, answered in asked.examples:
        messages += [{"role": "user", "content": shown}, {"role": "assistant", "content": answered}]
    messages += [{"role": one.role, "content": one.text} for one in before if one.role != SYSTEM]
    return [*messages, {"role": "user", "content": fill(asked.user)}]


def reads_turns(prompt: Prompt) -> bool:
    """Whether its inputs are conversations."""
    return any(_MESSAGE.search(turn.user) for turn in prompt.turns)


def _conversation(text: str, most: int | None) -> tuple[list[Turn], str]:
    """(the turns before the user's last one, that one), together `most` words (None: all): the last one is cut as an input
    is, then the oldest ones go, whole, and with them a reply to what went. The system text stays."""
    before, message = last_said(text)
    if most is None:
        return before, message
    (message,) = cut([message], most)
    system = [one for one in before if one.role == SYSTEM]
    turns = before[len(system) :]
    left = most - sum(_words(one) for one in (message, *(turn.text for turn in system)))
    kept = list[Turn]()
    for turn in reversed(turns):
        left -= _words(turn.text)
        if left < 0:
            break
        kept.insert(0, turn)
    if len(kept) < len(turns) and kept and kept[0].role == ASSISTANT:
        del kept[0]
    return [*system, *kept], message


def is_cut(prompt: Prompt, text: str, context: Sequence[str], whole: bool = False) -> bool:
    """Whether `render` leaves a part of them out."""
    if whole:
        return False
    if reads_turns(prompt):
        kept = _conversation(text, MAX_INPUT_WORDS) == last_said(text)
    else:
        kept = cut([text], MAX_INPUT_WORDS) == [text]
    return not kept or cut(context, MAX_CONTEXT_WORDS) != list(context)


def token_ids(
    tokenizer: "PreTrainedTokenizerBase", prompts: Sequence[list[dict[str, str]]], room: int
) -> tuple[list[list[int]], set[int]]:
    """(each prompt in the tokenizer's chat format as token ids, ready for the answer; positions of those that lost a part).

    room: most tokens of a prompt. Of a longer one the middle goes: the instruction stands first and the question last.
    """
    rows = chat_ids(tokenizer, prompts)
    shown = [row if len(row) <= room else row[: room // 2] + row[len(row) - (room - room // 2) :] for row in rows]
    return shown, {place for place, row in enumerate(rows) if len(row) > room}


def chat_ids(tokenizer: "PreTrainedTokenizerBase", prompts: Sequence[list[dict[str, str]]]) -> list[list[int]]:
    """Each prompt in the tokenizer's chat format as token ids, ready for the answer, whatever its length.

    Control tokens are the template's alone: see `without_control_tokens`.
    """
    safe = [[{**one, "content": without_control_tokens(tokenizer, one["content"])} for one in prompt] for prompt in prompts]
    texts = rendered(_template(tokenizer), safe, tokenizer.special_tokens_map) if safe else []
    rows: list[list[int]] = tokenizer(texts, add_special_tokens=False).input_ids if texts else []
    return rows


def _template(tokenizer: "PreTrainedTokenizerBase") -> str:
    """The tokenizer's chat template, where it has several the default one. Raises BadInput where it has none."""
    template = tokenizer.chat_template
    template = template.get("default") if isinstance(template, dict) else template
    if not template:
        raise BadInput(
            f"{tokenizer.name_or_path}: its tokenizer has no chat template, so that nothing can be put to it in a chat; add "
            "the chat_template.jinja of the model that it was made from"
        )
    return str(template)


def without_control_tokens(tokenizer: "PreTrainedTokenizerBase", text: str) -> str:
    """`text` with a space for each of the tokenizer's special tokens: written in a passage or a question, one of them would
    end the turn and begin another in the system's name."""
    control = re.compile("|".join(map(re.escape, sorted(_special(tokenizer), key=len, reverse=True))) or r"(?!)")
    return control.sub(" ", text)


def without_role_tags(text: str) -> str:
    """The same for an endpoint whose tokenizer is not here: a space for the role tags of the common chat formats."""
    return _ROLE_TAG.sub(" ", text)


def _special(tokenizer: "PreTrainedTokenizerBase") -> set[str]:
    added = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    return (added | {str(token) for token in tokenizer.all_special_tokens}) - {""}


def shared_prefixes(tokenizer: "PreTrainedTokenizerBase", prompt: Prompt, room: int, least: int) -> list[list[int]]:
    """The token ids that every prompt of a turn starts with, for each turn with `least` of them or more.

    Found by rendering two inputs that share nothing: it depends on the candidate only, never on what was asked before, so
    that equal prompts keep getting equal answers.
    """
    prefixes = []
    for turn in range(len(prompt.turns)):
        two = [render(prompt, turn, text, [text], text) for text in ("Alpha beta.", "7 ways to say it?")]
        (first, second), _ = token_ids(tokenizer, two, room)
        length = next((i for i, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), 0)
        prefixes += [first[:length]] if length >= least else []
    return prefixes


def line_breaks(tokenizer: "PreTrainedTokenizerBase") -> set[int]:
    """Tokens with a line break in them, as byte-level ("Ċ") and sentencepiece ("<0x0A>") vocabularies write it."""
    return {number for token, number in tokenizer.get_vocab().items() if "Ċ" in token or token == "<0x0A>" or "\n" in token}


def first_line_only(candidate: Candidate, turn: int) -> bool:
    """Whether the answer to this turn ends at its first line: short answers do, reasoning and summaries do not."""
    prompt = candidate.prompt
    last = prompt is None or turn == len(prompt.turns) - 1
    return last and not kind_of(candidate.task).lines and not (prompt and prompt.answer_marker)


def clean(candidate: Candidate, generated: str) -> str:
    """The answer in what the model generated: after the marker, in the form of its kind of task, the abstention as the
    contract spells it. Empty where the model gave no answer of that form."""
    marker = candidate.prompt.answer_marker if candidate.prompt else ""
    if marker:
        places = list(regex.finditer(regex.escape(marker.strip()), generated, regex.IGNORECASE))
        lines = generated.strip().splitlines() or [""]
        generated = generated[places[-1].end() :] if places else lines[-1]
    answer, kind = generated.strip(), kind_of(candidate.task)
    if not kind.lines:
        answer = (answer.splitlines() or [""])[0].strip()
    # a quote may begin with the abstention's word ("Unknown Pleasures"); a free answer that does goes on to explain itself
    if candidate.abstain and begins(answer, candidate.abstain):
        whole = not candidate.quoted or same(answer) == same(candidate.abstain)
        if whole or len(units(answer)) == len(units(candidate.abstain)):
            return candidate.abstain
    return kind.read_answer(answer, candidate.own) or ""


def cut(texts: Sequence[str], words: int | None) -> list[str]:
    """The first `words` words of `texts` together (None: all); what lies beyond is left out."""
    if words is None:
        return list(texts)
    shown, left = [], words
    for text in texts:
        shown.append(first_words(text, left))
        left -= min(_words(text), left)
        if left <= 0:
            break
    return shown


def _words(text: str) -> int:
    return count(text) if unspaced(text) else text.count(" ") + 1
