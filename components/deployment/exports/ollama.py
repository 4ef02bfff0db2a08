"""A folder for `ollama create`: a GGUF file and the Modelfile beside it (https://docs.ollama.com/modelfile).

Ollama's templates are Go's. That of ChatML, which SmolLM2 and Qwen have, is written here; for another one Ollama is left to
what it makes of the chat template in the GGUF file.
"""

from pathlib import Path

from components.application.chat_template import rendered
from components.core import BadInput, publish_text

from . import Given
from .gguf import PACKAGES as GGUF_PACKAGES
from .gguf import write_gguf

PACKAGES = GGUF_PACKAGES
CHATML = "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
TRIED = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]


def write(given: Given, folder: Path) -> list[str]:
    """See exports/__init__.py."""
    file = write_gguf(given, folder)
    template = _template(file)
    publish_text(folder / "Modelfile", modelfile(given, file.name, _is_chatml(template)))
    notes = [f"in that folder: ollama create {given.name} -f Modelfile"]
    return notes if _is_chatml(template) else [*notes, "its chat template is not ChatML: check what Ollama makes of it"]


def modelfile(given: Given, file: str, chatml: bool) -> str:
    """The Modelfile: greedy as it was measured, the system text and the solved cases of its last turn, where it stops."""
    lines = [f"FROM ./{file}", "PARAMETER temperature 0"]
    turn = given.candidate.prompt.turns[-1] if given.candidate.prompt else None
    if turn:
        lines.append(f"PARAMETER num_predict {turn.max_new_tokens}")
        lines += [f"SYSTEM {_quoted(turn.system)}"] if turn.system else []
        for asked, answered in turn.examples:
            lines += [f"MESSAGE user {_quoted(asked)}"]
            lines += [f"MESSAGE assistant {_quoted(answered)}"]
    if chatml:
        lines += ['PARAMETER stop "<|im_end|>"', f"TEMPLATE {_quoted(CHATML)}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A text of any lines as a Modelfile has it, which knows no way to write its own quotation marks inside."""
    if '"""' in text or text.endswith('"'):
        raise BadInput('a Modelfile cannot hold a text with """ in it, or with " at its end, as this prompt has')
    return f'"""{text}"""'


def _template(file: Path) -> str:
    from components.core.headers import gguf_templates

    return next(iter(gguf_templates(file).values()), "")


def _is_chatml(template: str) -> bool:
    if not template:
        return False
    (said,) = rendered(template, [TRIED], {"bos_token": "<s>", "eos_token": "</s>"})
    return said == "<|im_start|>system\na<|im_end|>\n<|im_start|>user\nb<|im_end|>\n<|im_start|>assistant\n"
