"""A chat template renders as transformers renders it, in a process of its own that nothing can exhaust or leave."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from components.application import chat_template
from components.application.chat_template import TemplateFault, rendered, try_template
from components.application.prompt import chat_ids
from components.application.two_layer import CHAT_TEMPLATE, make_two_layer
from components.core import BadInput

SAID = [{"role": "user", "content": "Größe 😀 {{ 1 }} \u2028 <|im_end|>"}]
CHAT = [{"role": "system", "content": "Be brief."}, *SAID, {"role": "assistant", "content": "Yes."}, *SAID]
LOOP, END = "{% for i in range(99999) %}", "{% endfor %}"

GOOD = {
    "ChatML": CHAT_TEMPLATE,
    "Llama 2": "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system = "
    "messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system = false %}{% endif %}"
    "{% for message in loop_messages %}{% if loop.index0 == 0 and system %}{% set content = '<<SYS>>\\n' + system + "
    "'\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% else %}"
    "{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "namespace, break and JSON": "{%- set ns = namespace(found=false) %}{%- for m in messages %}\n"
    "  {%- if m.role == 'user' %}\n{% set ns.found = true %}{{ m | tojson(indent=2) }}{% break %}{% endif %}"
    "{% endfor %}{{ ns.found }}{{ dict(a=1).a }}",
    "generation": "{% for m in messages %}"
    "{% generation %}{% set x = m.content %}{{ x | upper }}{% endgeneration %}{% endfor %}",
    "nothing given": ""
    "{{ tools is none }}{{ documents is none }}{{ nothing is defined }}{{ nothing }}{{ add_generation_prompt }}",
    "macros": "{% macro show(m) %}<{{ m.role }}>{{ m.content | trim }}{% endmacro %}"
    "{% for m in messages %}\n    {{ show(m) }}\n{% endfor %}",
    "a date": "{{ strftime_now('%Y') | length }}",
}

BOMBS = {
    "loops": LOOP * 3 + "x" + END * 3,
    "a text that doubles": "{% set n = namespace(s='x') %}" + LOOP + "{% set n.s = n.s ~ n.s %}" + END,
    "a product": "{{ 'x' * 10 ** 9 }}",
    "a large number": "{{ (9 ** (9 ** 8)) % 7 }}",
    "a list of lists": "{{ (range(99999) | list * 10000) | length }}",
    "recursion": "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "padding": "{{ '{:>9999999999}'.format(1) }}",
    "old padding": "{{ '%099999999999d' % 1 }}",
    "replacing": "{{ messages[0].content | replace('', 'y' * 99999) | replace('y', 'z' * 99999) }}",
    "empty loops": LOOP * 4 + END * 4,
    "an endless answer": "{% for a in 'x' * 99999999 %}{{ a }}{% endfor %}",
    "sorting": "{% for i in range(999) %}{{ (range(99999) | list | sort(reverse=true)) | first }}{% endfor %}",
}

INJECTIONS = {
    "the class of a text": "{{ ''.__class__ }}",
    "all classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "by subscript": "{{ ''['__class__'] }}",
    "by a name put together": "{{ ''['__cla' ~ 'ss__'] }}",
    "by the filter": "{{ '' | attr('__class__') }}",
    "globals of a function": "{{ raise_exception.__globals__ }}",
    "globals of jinja2": "{{ cycler.__init__.__globals__.os.system('true') }}",
    "by format": "{{ '{0.__class__}'.format('') }}",
    "by format_map": "{{ '{a.__class__}'.format_map({'a': ''}) }}",
    "by map": "{{ [''] | map(attribute='__class__') | list }}",
    "including a file": "{% include '/etc/passwd' %}",
    "importing": "{% import 'os' as os %}{{ os }}",
    "the frame of a generator": "{{ (messages | map('upper')).gi_frame }}",
    "changing the messages": "{{ messages.append(1) }}",
}


def test_it_renders_as_transformers_does() -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    for name, template in GOOD.items():
        for chat in (SAID, CHAT):
            theirs, _ = render_jinja_template([chat], chat_template=template, add_generation_prompt=True, **tokens)
            assert rendered(template, [chat], tokens) == theirs, name


def test_token_ids_are_those_of_transformers(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    make_two_layer(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "When was it built?"}]
    theirs = tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]
    assert chat_ids(tokenizer, [chat] * 70) == [theirs] * 70
    tokenizer.chat_template = None
    with pytest.raises(BadInput, match="has no chat template"):
        chat_ids(tokenizer, [chat])


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_ended_and_the_next_template_renders(bomb: str) -> None:
    with pytest.raises(TemplateFault) as fault:
        try_template(BOMBS[bomb])
    assert fault.value.kind == "limit"
    assert rendered("{{ messages[0].content }}", [SAID], {}) == [SAID[0]["content"]]


@pytest.mark.parametrize("injection", INJECTIONS)
def test_an_injection_ends_the_rendering(injection: str) -> None:
    with pytest.raises(TemplateFault) as fault:
        try_template(INJECTIONS[injection])
    assert fault.value.kind in ("forbidden", "broken")


def test_what_a_template_refuses_itself_is_said_and_no_fault_of_the_template() -> None:
    template = "{% if messages[0].role == 'system' %}{{ raise_exception('no system here') }}{% endif %}x"
    try_template(template)
    with pytest.raises(TemplateFault, match="refuses this conversation: no system here"):
        rendered(template, [CHAT], {})


def test_the_process_has_no_secrets_few_modules_and_its_limits() -> None:
    rendered("x", [SAID], {})
    child = chat_template._process()._child
    assert child
    process = psutil.Process(child.pid)
    assert process.environ() == {}
    assert process.rlimit(psutil.RLIMIT_AS) == (512 * 2**20, 512 * 2**20)
    assert process.rlimit(psutil.RLIMIT_NOFILE) == (3, 3)
    assert process.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert process.memory_info().rss < 64 * 2**20


def test_many_threads_get_their_own_answers() -> None:
    found: dict[int, list[str]] = {}

    def ask(number: int) -> None:
        chats = [[{"role": "user", "content": f"{number}-{i}" * 300}] for i in range(40)]
        found[number] = rendered("{{ messages[0].content }}", chats, {})

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [f"{number}-{i}" * 300 for i in range(40)] for number in range(8)}


def test_a_process_that_was_killed_is_started_again() -> None:
    rendered("x", [SAID], {})
    child = chat_template._process()._child
    assert child
    child.kill()
    child.wait()
    assert rendered("x", [SAID], {}) == ["x"]


def test_a_fork_talks_to_a_process_of_its_own() -> None:
    rendered("x", [SAID], {})
    ours = chat_template._process()
    read, write = os.pipe()
    if os.fork() == 0:
        other = chat_template._process() is not ours and rendered("y", [SAID], {}) == ["y"]
        chat_template._process().end()
        os.write(write, b"1" if other else b"0")
        os._exit(0)
    assert os.read(read, 1) == b"1"
    os.wait()
    assert rendered("x", [SAID], {}) == ["x"]


def test_the_process_ends_with_the_one_that_started_it() -> None:
    code = (
        "from components.application import chat_template as t\n"
        "t.rendered('x', [[{'role': 'user', 'content': ''}]], {})\n"
        "import os; print(t._process()._child.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    try:
        psutil.wait_procs([psutil.Process(int(done.stdout))], timeout=10)
    except psutil.NoSuchProcess:
        return
    assert not psutil.pid_exists(int(done.stdout))


def test_nothing_in_the_project_renders_a_template_in_its_own_process_or_runs_a_models_code() -> None:
    """Every loader of the libraries says that no code of a model is run; `apply_chat_template` is called by nobody."""
    import ast

    from components.core.code import ROOT

    loaders = ("from_pretrained", "SentenceTransformer", "load_dataset", "CrossEncoder", "pipeline")
    silent: list[Any] = []
    for path in sorted([*(ROOT / "components").rglob("*.py"), *(ROOT / "flows").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                owner = getattr(getattr(node.func, "value", None), "id", "")
                told = any(one.arg == "trust_remote_code" and _is_false(one.value) for one in node.keywords)
                spread = any(one.arg is None for one in node.keywords) and "trust_remote_code" in path.read_text()
                if name == "apply_chat_template" or (name in loaders and owner != "PeftModel" and not (told or spread)):
                    silent.append((path.name, node.lineno, name))
    assert silent == []


def _is_false(node: Any) -> bool:
    return json.dumps(getattr(node, "value", None)) == "false"
