"""Posts to a real server that is killed in the middle of them, 200 posts a kill, from eight callers at once.

A caller who got no reply posts the same again after the restart, as a client with an idempotency key does. At the end of
each call, every id that was acknowledged so far is in the database exactly once, with its own content.
"""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.safety import Tries, Try
from bench.safety.serving import Served, serving
from components.core import FeedbackStore, Workspace

PROMISE = "Feedback is never lost"
POSTS = 200
CALLERS = 8
TRIES = {"posts": Tries("posts that are lost or there twice, a SIGKILL among each 200 of them", 10_000, POSTS, each=POSTS)}


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Try]]:
    from components.serving import ask
    from tests.serving.bundles import QUESTIONS, bundle

    workspace = Workspace(folder / "home")
    with serving(workspace, bundle(folder / "bundle")) as served:
        answer = ask(served.url, QUESTIONS[0]).answer_id

        def posts(number: int) -> None:
            waiting = [f"{number}-{place}" for place in range(POSTS)]
            acknowledged = _posted(served, answer, waiting, random.Random(number).randrange(POSTS))
            served.begin()
            again = _posted(served, answer, waiting, None)
            assert sorted(again) == sorted(waiting), "a post that was repeated was refused"
            kept = [(item.id, item.text) for item in FeedbackStore(workspace.feedback).list(simulated=False)]
            assert len(kept) == len({id for id, _ in kept}), "an id is there twice"
            assert set(acknowledged) <= {id for id, _ in kept}, "an acknowledged post is lost"
            assert {id for id, text in kept if text != f"text {id}"} == set(), "content of another post"
            assert {id for id, _ in kept} >= set(waiting)

        yield {"posts": posts}


def _posted(served: Served, answer: str, ids: list[str], kill_after: int | None) -> list[str]:
    """Post a correction for each id; returns those acknowledged. kill_after: the server is killed after so many."""
    acknowledged: list[str] = []
    due = threading.Event()

    def post(client: httpx.Client, id: str) -> None:
        body = {"answer_id": answer, "correction": f"text {id}", "id": id}
        try:
            response = client.post(f"{served.url}/feedback", json=body)
        except httpx.HTTPError:
            return
        assert response.status_code == 201, f"{response.status_code}: {response.text}"
        acknowledged.append(id)
        if len(acknowledged) == kill_after:
            due.set()

    with httpx.Client(trust_env=False, timeout=30) as client, ThreadPoolExecutor(CALLERS) as callers:
        posting = [callers.submit(post, client, id) for id in ids]
        if kill_after is not None:
            assert kill_after == 0 or due.wait(60), "the server did not answer"
            served.kill()
        for one in posting:
            one.result()
    return acknowledged
