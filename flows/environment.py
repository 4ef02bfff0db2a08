"""What a process of `ninefold` mends of the environment that it was started in, before it imports anything else.

    output      where it is no UTF-8 (a cron job's log, an old terminal), marks are replaced; text never ends a command
    files       are read and written as UTF-8, also by libraries that follow the locale
    proxies     what this machine asks of itself goes to no proxy
    telemetry   of libraries is off
    user        one without an entry in passwd (a container's number) gets what libraries ask for: a name, a home folder

Not covered: flows that a Prefect worker starts, but for the proxies, which `ninefold env` names too.
"""

import codecs
import io
import json
import locale
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
MARKS = {
    "✓": "+", "✗": "x", "↺": "=", "–": "-", "—": "-", "▸": ">", "→": "->", "←": "<-", "·": "-", "×": "x", "…": "...",
    "≥": ">=", "≤": "<=", "±": "+-",
}  # fmt: skip
"""What stands for a mark of ours in an encoding that lacks it: `ok` and `not ok` stay apart. Of any other one: `?`."""


NO_TELEMETRY = {
    "DO_NOT_TRACK": "1",  # Prefect's client: in a terminal it would name the device in ~/.prefect/.sdk_telemetry
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GX_ANALYTICS_ENABLED": "false",
}
"""What keeps the libraries from reporting to their makers, and from the files that they keep for that; for every command."""


def mend() -> None:
    """Mend it for this process and its children. Where the locale is not UTF-8 the interpreter starts anew, in its mode that
    is (PEP 540); output keeps the locale's encoding."""
    other = not sys.flags.utf8_mode and codecs.lookup(locale.getencoding()).name != "utf-8"
    if other and not sys.flags.ignore_environment and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding if sys.stdout else locale.getencoding())
        os.execv(sys.executable, sys.orig_argv)
    codecs.register_error("ninefold", _marked)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="ninefold")
    os.environ.pop("PYTHONIOENCODING", None)  # it is about this process's output: children speak UTF-8 with us
    os.environ |= past_proxies(os.environ) | NO_TELEMETRY
    _name_user()


def json_text(value: object) -> str:
    """JSON to be printed: where output is no UTF-8, with JSON's own escapes, since a program will read it."""
    known = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    return json.dumps(value, indent=2, ensure_ascii=not known)


def past_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY, in both of its spellings, with this machine's own addresses added; nothing where no proxy is set."""
    if not any(value for name, value in environment.items() if name.lower() in PROXIES):
        return {}
    hosts = [host.strip() for name in ("no_proxy", "NO_PROXY") for host in environment.get(name, "").split(",")]
    named = ",".join(dict.fromkeys(filter(None, [*hosts, *LOOPBACK])))
    return {"NO_PROXY": named, "no_proxy": named}


def check_socks(environment: Mapping[str, str]) -> None:
    """Raise MissingPackage where a SOCKS proxy is set that Prefect's client, even for an address on this machine, cannot be
    made with."""
    named = [name for name in environment if name.lower() in PROXIES and environment[name].startswith("socks")]
    if named and find_spec("socksio") is None:
        from components.core import MissingPackage  # late: `ninefold --help` reads this file

        raise MissingPackage("socksio", f"the SOCKS proxy that {named[0]} names")


def _marked(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(MARKS.get(character, "?") for character in error.object[error.start : error.end]), error.end


def _name_user() -> None:
    import pwd

    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        os.environ.setdefault("LOGNAME", str(os.getuid()))  # not USER: that one says who decides about a release
        if not os.environ.get("HOME"):
            home = os.environ.get("NINEFOLD_HOME") or ".ninefold"
            os.environ["HOME"] = str((Path(home) / "home").absolute())
