"""Renders chat templates in a process of its own: a template is a program that came with the weights.

`chat_template.py` starts this file as a script, without torch, transformers or this project on the path, and with no
environment. A request is one line of JSON, {"template", "chats", "tokens"}; the reply one line, {"texts"} or {"kind",
"reason"}. 512 MB of memory for all of it and at most 2 s of CPU time a request; no file can be opened once it is ready.
Templates run in jinja2's sandbox with the settings of transformers' `apply_chat_template`, but what the sandbox forbids ends
the rendering, where jinja2 would go on with an empty text.
"""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.nodes import Node
    from jinja2.parser import Parser

MEMORY_BYTES = 512 * 2**20
CPU_SECONDS = 2
LONGEST_REPLY = 64 * 2**20
"""Bytes of a whole reply."""


class Request(TypedDict):
    """Conversations to render. tokens: the special tokens that the template may name."""

    template: str
    chats: list[list[dict[str, str]]]
    tokens: dict[str, str]


class Reply(TypedDict, total=False):
    """A text a conversation, or what went wrong (`kind`, see chat_template.TemplateFault) and why."""

    texts: list[str]
    kind: str
    reason: str


def main() -> None:
    """Serve requests until standard input ends. argv: folders in which jinja2 and markupsafe lie."""
    import resource

    if sys.platform == "linux":  # elsewhere the kernel knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path[:0] = sys.argv[1:]
    render = _renderer()
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # standard input, output and error are open, and nothing else will be
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    print("ready", flush=True)
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        # the kernel counts whole seconds over the life of the process, so that the soft limit moves on with each request
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + CPU_SECONDS, hard))
        print(_answer(render, line), flush=True)


def _answer(render: Callable[[Request], Reply], line: str) -> str:
    try:
        reply = json.dumps(render(json.loads(line)))
    except MemoryError:
        return json.dumps({"kind": "limit", "reason": f"it needs more than {MEMORY_BYTES >> 20} MB"})
    if len(reply) > LONGEST_REPLY:
        return json.dumps({"kind": "limit", "reason": f"its text is longer than {LONGEST_REPLY >> 20} MB"})
    return reply


def _renderer() -> Callable[[Request], Reply]:
    """A function from request to reply; everything that jinja2 loads late is loaded here."""
    import html  # noqa: F401
    import linecache  # noqa: F401
    import pprint  # noqa: F401
    import traceback  # noqa: F401
    from datetime import datetime

    import jinja2
    import jinja2.constants
    import jinja2.debug
    import jinja2.ext
    import jinja2.sandbox

    class Generation(jinja2.ext.Extension):
        """`{% generation %}` marks what a trainer learns; here it only groups."""

        tags = {"generation"}

        def parse(self, parser: "Parser") -> "Node":
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return jinja2.nodes.CallBlock(self.call_method("_inside"), [], [], body).set_lineno(line)

        def _inside(self, caller: Callable[[], str]) -> str:
            return caller()

    class Sandbox(jinja2.sandbox.ImmutableSandboxedEnvironment):
        def unsafe_undefined(self, obj: object, attribute: str) -> NoReturn:
            raise jinja2.exceptions.SecurityError(f"it reads '{attribute}' of {type(obj).__name__}")

    class Dict:
        """`dict` without the type behind it."""

        def __call__(self, *given: Any, **named: Any) -> dict[Any, Any]:
            return dict(*given, **named)

        def fromkeys(self, *given: Any) -> dict[Any, Any]:
            return dict.fromkeys(*given)

    class Namespace(jinja2.utils.Namespace):
        """`namespace` without names that begin with an underscore."""

        def __init__(*given: Any, **named: Any) -> None:
            attributes = dict(*given[1:], **named)
            for name in attributes:
                Namespace.refuse(name)
            jinja2.utils.Namespace.__init__(given[0], attributes)

        def __setitem__(self, name: str, value: object) -> None:
            Namespace.refuse(name)
            jinja2.utils.Namespace.__setitem__(self, name, value)

        @staticmethod
        def refuse(name: object) -> None:
            if isinstance(name, str) and name.startswith("_"):
                raise jinja2.exceptions.SecurityError(f"it writes '{name}' of a namespace")

    class Refusal(jinja2.exceptions.TemplateError):
        """The template's own `raise_exception`."""

    def raise_exception(message: str) -> None:
        raise Refusal(str(message))

    def tojson(
        value: object,
        ensure_ascii: bool = False,
        indent: int | str | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    environment = Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals |= {
        "raise_exception": raise_exception,
        "strftime_now": lambda form: datetime.now().strftime(form),
        "dict": Dict(),
        "namespace": Namespace,
    }
    compiled: dict[str, Template] = {}

    def template_of(text: str) -> "Template":
        if text not in compiled:
            if len(compiled) == 8:
                compiled.clear()
            compiled[text] = environment.from_string(text)
        return compiled[text]

    def render(request: Request) -> Reply:
        try:
            template = template_of(request["template"])
            given = {**request["tokens"], "tools": None, "documents": None, "add_generation_prompt": True}
            return {"texts": [template.render(messages=chat, **given) for chat in request["chats"]]}
        except MemoryError:
            compiled.clear()
            raise
        except Refusal as error:
            return {"kind": "refusal", "reason": str(error)[:500]}
        except jinja2.exceptions.SecurityError as error:
            return {"kind": "forbidden", "reason": str(error)[:500]}
        except RecursionError:
            return {"kind": "limit", "reason": "it calls itself without end"}
        except Exception as error:  # noqa: BLE001 whatever a program of somebody else's fails with
            return {"kind": "broken", "reason": f"{type(error).__name__}: {error}"[:500]}

    tried: Request = {"template": "{{ strftime_now('%d %b') }}{{ nothing.there }}{% for", "chats": [[]], "tokens": {}}
    render(tried)
    render({**tried, "template": "{{ strftime_now('%d %b') }}{{ nothing.there }}"})  # both load what an error needs
    return render


if __name__ == "__main__":
    main()
