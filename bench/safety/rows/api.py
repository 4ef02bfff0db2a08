"""Schemathesis on the endpoint's own OpenAPI: requests that the schema allows, and requests that break it, to a real server.

Fifty a call, of one operation in turn. A 5xx is a failure. Not covered: sequences of operations, parsers under atheris.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.safety import Tries, Try
from bench.safety.serving import serving
from components.core import Workspace

PROMISE = "API"
REQUESTS = 50
TRIES = {"requests": Tries("requests that are answered with an unexpected 5xx", 10_000, 150, each=REQUESTS)}


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Try]]:
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from schemathesis.generation import GenerationMode

    from tests.serving.bundles import bundle

    drawn = settings(
        max_examples=REQUESTS, deadline=None, database=None, suppress_health_check=[*HealthCheck], phases=[Phase.generate]
    )
    with serving(Workspace(folder / "home"), bundle(folder / "bundle")) as served:
        schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
        operations = [found.ok() for found in schema.get_all_operations()]
        ways = [(one, mode) for one in operations for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
        ways = [(one, mode) for one, mode in ways if mode is GenerationMode.POSITIVE or one.body]

        def requests(number: int) -> int:
            operation, mode = ways[number % len(ways)]
            made = 0

            def ask(case: schemathesis.Case) -> None:
                nonlocal made
                made += 1
                status = case.call(timeout=60).status_code
                assert status < 500, f"{case.formatted_path} {str(case.body)[:80]!r}: {status}"

            seed(number)(drawn(given(case=operation.as_strategy(generation_mode=mode))(ask)))()
            return made

        yield {"requests": requests}
