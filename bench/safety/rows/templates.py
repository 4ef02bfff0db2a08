"""Chat templates that attack, exhaust or mislead, on the process that renders and on a bundle that is served.

That process may use 512 MB and 2 s of a processor (`tests/application/test_chat_template.py` reads its limits).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.safety import Cases, Tries

PROMISE = "Chat templates are code"
TRIES = {
    "attacks": Tries("injections and bombs that end otherwise than refused, or end the renderer", 0, 5),
    "edits": Tries("silently edited templates that are served", 0, 5),
}


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Cases]]:
    from components.core import Workspace
    from components.deployment.bundle import export
    from tests.application import test_chat_template as attacked
    from tests.serving.test_chat_template import edited_is_refused, two_layer
    from tests.zoo import SILENT

    workspace = Workspace(folder / "home")
    bundle = export(two_layer(workspace), workspace.store, folder / "bundle", [])
    (template,) = bundle.rglob("chat_template.jinja")

    def attack(name: str) -> None:
        if name in attacked.BOMBS:
            attacked.test_a_bomb_is_ended_and_the_next_template_renders(name)
        else:
            attacked.test_an_injection_ends_the_rendering(name)

    yield {
        "attacks": Cases([*attacked.BOMBS, *attacked.INJECTIONS], attack),
        "edits": Cases(SILENT, lambda edit: edited_is_refused(edit, template, bundle)),
    }
