"""Values as Markdown text. Everything a template prints passes through `escaped`, so no value brings markup of its own."""

import re
from collections.abc import Callable
from typing import TypedDict

from components.core import short

from .record import MetricDump

MISSING = "not measured"
# What Markdown reads as markup. An underscore inside a word is none, and is left alone so that names stay readable.
# A bracket makes a link only before another, or a colon. Many viewers make links of bare addresses too: "://" and "www.".
SPECIAL = re.compile(r"([\\`*<>|~$]|\](?=[(\[:])|&(?=#?\w+;)|(?<!\w)_|_(?!\w)|:(?=//)|(?<=\bwww)\.)", re.IGNORECASE)
STARTS_A_BLOCK = re.compile(r"^([#+\-=:]|\d+(?=[.)](?:\s|$)))")


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


class Pair(TypedDict, total=False):
    """A figure of the base model, and of the candidate."""

    before: MetricDump | None
    after: MetricDump | None


def escaped(value: object) -> str:
    """`value` as one line of Markdown that shows just that; None, "" and undefined values as "not measured"."""
    if isinstance(value, Markdown):
        return value
    if value is None or value == "" or (not value and not isinstance(value, (int, float))):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(escaped(item) for item in value)
    text = SPECIAL.sub(r"\\\1", " ".join(str(value).split()))
    return STARTS_A_BLOCK.sub(lambda match: match[0] + "\\" if match[0].isdigit() else "\\" + match[0], text)


def number(value: float) -> str:
    """Three significant digits or more, with no noise behind them."""
    if 0 < abs(value) < 0.001:
        return f"{value:.7f}".rstrip("0") if abs(value) >= 0.00001 else f"{value:.1e}"
    if value == int(value) and abs(value) >= 100:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"


def figure(metric: MetricDump | None) -> Markdown:
    """A Metric dump as `0.283 [0.221, 0.346]`."""
    return _with_interval(metric, "{:.3f}".format)


def signed(metric: MetricDump | None) -> Markdown:
    """A difference's Metric dump as `+0.021 [-0.007, +0.049]`."""
    return _with_interval(metric, _signed)


def _with_interval(metric: MetricDump | None, shown: Callable[[float], str]) -> Markdown:
    if not metric or metric.get("value") is None:
        return Markdown(MISSING)
    low, high = metric.get("low"), metric.get("high")
    interval = "" if low is None or high is None else f" [{shown(low)}, {shown(high)}]"
    return Markdown(f"{shown(metric['value'])}{interval}")


def share(value: float) -> str:
    """A share as tables show it."""
    return f"{value:.3f}"


def signed_share(value: float) -> str:
    """A difference of shares as tables show it."""
    return _signed(value)


def _signed(value: float) -> str:
    """Nothing has no sign."""
    return f"{value:+.3f}" if round(value, 3) else "0.000"


def moved(pair: Pair | None) -> Markdown:
    """`0.283 (+0.021)`: after, and the change where there is a before."""
    if not pair or not (after := pair.get("after")):
        return Markdown("—")
    before = pair.get("before")
    change = f" ({after['value'] - before['value']:+.3f})" if before else ""
    return Markdown(f"{after['value']:.3f}{change}")


def sentence(value: object) -> object:
    """Text that ends with one full stop."""
    return f"{str(value).rstrip('. ')}." if value else value


def evidence(digest: object) -> Markdown:
    """A digest as people are shown it."""
    text = str(digest or "")
    return Markdown(f"`{short(text)}`" if re.fullmatch(r"[0-9a-f]{12,64}", text) else MISSING)


def clipped(text: object, length: int = 240) -> object:
    """Long text cut at a word, with the cut shown."""
    if not isinstance(text, str) or len(text) <= length:
        return text
    return text[:length].rsplit(" ", 1)[0] + " …"


def plain(value: object) -> str:
    """A setting on one line: lists and tables as they are written in YAML."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {plain(item)}" for key, item in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value) or "none"
    return "none" if value is None or value == "" else str(value)
