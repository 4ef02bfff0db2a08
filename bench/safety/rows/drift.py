"""Windows of logged requests against the window of a release, by the rule that `ninefold monitor` goes by, at its defaults.

Requests are drawn as `tests/monitoring` draws them: 300 in each window. Shifts are of half a standard deviation in one of
three columns in turn: words of the question, the first score, the share of abstentions. Not covered: drift that comes
slowly, drift of what no column counts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.safety import Tries, Try

PROMISE = "Drift alarms"
TRIES = {
    "clean": Tries("clean windows that raise an alarm", 1000, 8, allowed=0.01),
    "shifted": Tries("windows shifted by 0.5 sd (n = 300) that raise none", 1000, 6, allowed=0.1),
}
ROWS = 300
SHIFTS = ({"words": 12 + 0.5 * 12**0.5}, {"score": 8 + 0.5 * 4}, {"abstains": 0.2 + 0.5 * 0.4})
"""Half a standard deviation: of a Poisson count of mean 12, of a gamma of mean 8 and shape 4, of a share of 0.2."""


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Try]]:
    from components.monitoring import Config
    from components.monitoring.calibrate import thresholds
    from tests.monitoring.test_monitor import flagged, traffic, values

    settings = Config()

    def alarm(number: int, shift: dict[str, float]) -> bool:
        old, new = values(traffic(ROWS, 2 * number)), values(traffic(ROWS, 2 * number + 1, **shift))
        return flagged(old, new, thresholds(old, new, settings.false_alarms, settings.permutations, settings.seed))

    def clean(number: int) -> None:
        assert not alarm(number, {}), "a clean window raised an alarm"

    def shifted(number: int) -> None:
        shift = SHIFTS[number % len(SHIFTS)]
        assert alarm(number, shift), f"{shift} raised no alarm"

    yield {"clean": clean, "shifted": shifted}
