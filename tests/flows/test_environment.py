"""Environments that platform engineers bring: what is printed, asked and written is as in any other."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.core import MissingPackage
from components.core.code import ROOT
from flows.environment import LOOPBACK, check_socks, past_proxies
from tests.conftest import environment, new_home, ninefold

PRINTS = """
import locale, sys
from pathlib import Path
from flows.environment import json_text, mend
from flows.view import noise_to
mend()
print("✓ ✗ 中 ü \\udcff")
print(json_text({"ü": "中"}))
with noise_to(Path(sys.argv[1])) as console:
    console.print("✓ → …")
Path(sys.argv[1]).with_name("written").write_text("ü中")
"""
NO_UTF8 = {
    "PYTHONIOENCODING": {"PYTHONIOENCODING": "ascii"},
    "POSIX, not coerced": {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "ISO-8859-1": {"LC_ALL": "en_US.ISO-8859-1"},
}


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the locale en_US.ISO-8859-1."""
    folder = tmp_path_factory.mktemp("locales")
    if not shutil.which("localedef"):
        pytest.skip("localedef (Debian: locales) makes the locale that this test prints in")
    made = ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(folder / "en_US.ISO-8859-1")]
    subprocess.run(made, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("kind", NO_UTF8)
def test_output_that_is_not_utf8_replaces_marks_and_files_stay_utf8(tmp_path, locales, kind):
    own = {name: value for name, value in environment(tmp_path).items() if not name.startswith(("LC_", "LANG"))}
    own |= {"LOCPATH": str(locales), **NO_UTF8[kind]}
    (tmp_path / "prints.py").write_text(PRINTS, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "prints.py"), str(tmp_path / "log")]
    done = subprocess.run(command, env=own, cwd=ROOT, capture_output=True)
    umlaut = b"\xfc" if kind == "ISO-8859-1" else b"?"
    first, *between, last = done.stdout.splitlines()
    assert (done.returncode, done.stderr, first, last) == (0, b"", b"+ x ? " + umlaut + b" ?", b"+ -> ...")
    assert json.loads(b"".join(between)) == {"ü": "中"}, "a program that reads JSON loses nothing"
    assert (tmp_path / "written").read_bytes() == "ü中".encode()


@pytest.mark.parametrize("arguments", [("doctor",), ("plan", "flows/use_cases/voice_helpdesk.yaml", "--profile", "smoke")])
def test_a_command_ends_with_the_code_that_it_has_in_utf8(tmp_path, arguments):
    home = new_home(tmp_path / "home")
    plain, ascii_ = (
        ninefold(home, *arguments, servers={"PYTHONIOENCODING": encoding}, fork=False) for encoding in ("utf-8", "ascii")
    )
    assert (ascii_.returncode, ascii_.stderr) == (plain.returncode, plain.stderr)
    assert len(ascii_.stdout.splitlines()) == len(plain.stdout.splitlines())
    assert ascii_.stdout.isascii()


ASKS = "import subprocess, sys; from flows.environment import mend; mend();"
CHILD = "import sys; sys.exit(sys.stdin.readline() != '\\xe4\\n')"


def test_children_speak_utf8_whatever_the_output_is(tmp_path):
    asks = f"{ASKS} print(subprocess.run([sys.executable, '-c', {CHILD!r}], input='ä\\n', text=True).returncode)"
    own = {**environment(tmp_path), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", asks], env=own, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("0", "")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_loopback_is_added_to_what_goes_past_a_proxy(name):
    assert past_proxies({}) == past_proxies({name: ""}) == {}
    given = {name: "http://127.0.0.1:9", "no_proxy": "intranet", "NO_PROXY": "intranet, 10.0.0.1,"}
    named = ",".join(["intranet", "10.0.0.1", *LOOPBACK])
    assert past_proxies(given) == {"NO_PROXY": named, "no_proxy": named}
    assert past_proxies(given | past_proxies(given)) == past_proxies(given)


def test_a_socks_proxy_that_no_client_here_can_use_ends_with_the_install_line():
    check_socks({"ALL_PROXY": "http://127.0.0.1:9"})
    with pytest.raises(MissingPackage, match=r"ALL_PROXY names needs the package 'socksio'.*pip install socksio"):
        check_socks({"ALL_PROXY": "socks5h://127.0.0.1:9"})


NOBODY = """
import getpass, os
from pathlib import Path
from flows.environment import mend
mend()
from components.core import Workspace
from components.core.keys import key_id
from components.core.tracking import Tracking
run = Tracking(Workspace(), "e").begin("k", "n", {}, {})
print(getpass.getuser(), Path.home(), os.environ.get("USER"), key_id())
"""


NAMESPACE = ["unshare", "--user", "--map-user=4242", "--map-group=4242"]
ALLOWED = shutil.which("unshare") and subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not ALLOWED, reason="a user without an entry takes a user namespace, which this machine refuses")
def test_a_user_without_an_entry_in_passwd_is_one_like_any_other(tmp_path):
    """In a user namespace, whose number 4242 is who runs the tests: the checkout may lie where nobody else may look."""
    home = tmp_path / "home"
    home.mkdir()
    command = [*NAMESPACE, sys.executable, "-c", NOBODY]
    own = {
        name: value for name, value in environment(home).items() if name not in ("HOME", "USER", "LOGNAME", "NINEFOLD_KEYS")
    }
    done = subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"4242 {home / 'home'} None None\n", "")
