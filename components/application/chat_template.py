"""Chat templates: the messages of a conversation in the form that a checkpoint was trained on.

A template is a program that came with the weights, so that it never runs here: one process (template_process.py), limited
to 512 MB and 2 s a rendering, is kept for all templates of this process and started anew when one has exhausted it. 0.2 ms a
prompt of 2,000 characters, once it is up (0.1 s). Not covered: tools and documents.
"""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from components.core import BadInput, MachineFault, MissingPackage

from . import template_process

SECONDS = 2.0
"""Wall-clock time of a request; the process itself may use as much CPU time."""
STARVED_SECONDS = 30.0
"""Where other work keeps the process from the cores it gets this long in all; its CPU time stays limited."""
START_SECONDS = 60.0
CHATS = 32
"""Conversations a request: those of a data set are rendered in requests that each end soon."""

TRIED: tuple[list[dict[str, str]], ...] = (
    [{"role": "user", "content": "When was it built?"}],
    [
        {"role": "system", "content": "Answer in a few words."},
        {"role": "user", "content": "Who wrote it?"},
        {"role": "assistant", "content": "Nobody knows."},
        {"role": "user", "content": "When was it built?"},
    ],
)
"""Conversations in every form that a Prompt has: what a template is tried with before it is taken."""


class TemplateFault(BadInput):
    """A template that cannot be used. kind: `limit`, `forbidden`, `broken`, or `refusal` (its own raise_exception)."""

    def __init__(self, kind: str, reason: str) -> None:
        self.kind = kind
        words = {
            "limit": f"chat template: stopped after 2 s or 512 MB: {reason}",
            "forbidden": f"chat template: it does what no template may: {reason}",
            "broken": f"chat template: it does not render: {reason}",
            "refusal": f"chat template: it refuses this conversation: {reason}",
        }
        super().__init__(words[kind])


def rendered(template: str, chats: Sequence[list[dict[str, str]]], tokens: Mapping[str, str]) -> list[str]:
    """The text of each conversation in `chats`, up to where the answer begins.

    chats: messages {"role", "content"}; tokens: the tokenizer's `special_tokens_map`
    Raises TemplateFault.
    """
    texts: list[str] = []
    for start in range(0, len(chats), CHATS):
        batch = list(chats[start : start + CHATS])
        request: template_process.Request = {"template": template, "chats": batch, "tokens": dict(tokens)}
        reply = _process().ask(json.dumps(request))
        if "texts" not in reply:
            raise TemplateFault(reply["kind"], reply["reason"])
        texts += reply["texts"]
    return texts


def try_template(template: str, tokens: Mapping[str, str] | None = None) -> None:
    """Raise TemplateFault where `template` exhausts its process, does what no template may, or fails on a conversation for
    any reason but its own refusal."""
    for chat in TRIED:
        try:
            rendered(template, [chat], tokens or {"bos_token": "<s>", "eos_token": "</s>"})
        except TemplateFault as fault:
            if fault.kind != "refusal":
                raise


class _Process:
    """The process that renders, behind a lock: one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self.owner = os.getpid()

    def ask(self, request: str) -> template_process.Reply:
        """The reply to one request; a `limit` where the process had to be ended."""
        with self._lock:
            for _ in range(2):
                child = self._child or self._start()
                try:
                    assert child.stdin, "opened as a pipe"
                    child.stdin.write(request.encode() + b"\n")
                    child.stdin.flush()
                except BrokenPipeError:
                    self.end()  # somebody ended it between two requests: this one has done nothing yet
                    continue
                line = self._read(child, SECONDS, STARVED_SECONDS)
                if line is None:
                    self.end()
                    return {"kind": "limit", "reason": "it does not end"}
                reply: template_process.Reply = json.loads(line)
                if reply.get("kind") == "limit":
                    self.end()
                return reply
        raise MachineFault(
            "chat template: the process that renders it ends at once. Look at this machine's limits (ulimit -a)"
        )

    def end(self) -> None:
        """End the process; the next request starts another."""
        child, self._child = self._child, None
        if child:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe:
                    with suppress(BrokenPipeError):  # what a killed process had not read yet
                        pipe.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-I", "-S", template_process.__file__, *_folders()]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/",
            start_new_session=True,  # Ctrl-C is for this process, which ends that one
        )  # fmt: skip
        if self._read(self._child, START_SECONDS, START_SECONDS) != b"ready":
            self.end()
            raise MachineFault("chat template: the process that renders it does not start. Look at this machine's memory")
        return self._child

    def _read(self, child: "subprocess.Popen[bytes]", seconds: float, starved: float) -> bytes | None:
        """A line of the process; None where it ended, or was still at work after `seconds` (`starved`, where it got less
        than half of a core)."""
        assert child.stdout, "opened as a pipe"
        begun, line = time.monotonic(), bytearray()
        while not line.endswith(b"\n"):
            left = seconds - (time.monotonic() - begun)
            if left <= 0 and _cpu_seconds(child.pid) < seconds / 2:
                left = min(0.2, starved - (time.monotonic() - begun))
            if left <= 0 or len(line) > template_process.LONGEST_REPLY:
                return None
            if select.select([child.stdout], [], [], left)[0]:
                piece = os.read(child.stdout.fileno(), 1 << 20)
                if not piece:
                    return None
                line += piece
        return bytes(line[:-1])


def _folders() -> list[str]:
    """Where jinja2 and what it needs lie: all that the process may import beside Python's own library."""
    specs = {name: find_spec(name) for name in ("jinja2", "markupsafe")}
    for name, spec in specs.items():
        if spec is None:
            raise MissingPackage(name, "a checkpoint's chat template")
    return sorted({str(Path(spec.origin).parents[1]) for spec in specs.values() if spec and spec.origin})


def _cpu_seconds(process: int) -> float:
    """CPU time of a process so far; endless where the machine does not say, so that the wall clock alone decides."""
    stat = Path(f"/proc/{process}/stat")
    if not stat.is_file():
        return float("inf")
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


_kept = _Process()


def _process() -> _Process:
    """The process of this one; after a fork another, since two may not talk to the same."""
    global _kept
    if _kept.owner != os.getpid():
        _kept = _Process()
    return _kept


atexit.register(lambda: _process().end())
