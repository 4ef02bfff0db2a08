"""The review page: read by a real browser with the keyboard alone, and by requests that have no business there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from components.core import (
    ApprovalRules,
    Candidate,
    Evidence,
    MachineFault,
    Metric,
    Retriever,
    Runtime,
    Seal,
    Workspace,
    write_jsonl,
)
from components.core.code import ROOT
from components.core.keys import make_keys
from components.governance import Approvals, Registry, approve, covered, registered, reject
from components.serving import free_port
from flows.review import create_app
from flows.review_evidence import passages
from tests.conftest import environment
from tests.governance.conftest import real_card, two_versions
from tests.governance.test_approve import later
from tests.serving.bundles import QUESTIONS

KEY = "the-key"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Two versions with evidence and cards, version 1 champion; the keys where `environment` has them."""
    workspace = two_versions(tmp_path_factory.mktemp("review"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NINEFOLD_KEYS", str(workspace.root / "keys"))
        make_keys()
        for number, f1 in ((1, 0.5), (2, 0.625)):
            version = registered(workspace, "desk", number)
            rules = ApprovalRules(roles={"reviewer": ("Ada", "Grace")})
            measured = seal(workspace, version.candidate, f1)
            version = version.model_copy(update={"evidence": measured.digest, "rules": rules})
            Registry(workspace).describe(version)
            card_of(workspace, number)
        approve(workspace, "desk", 1, "Ada", "reads well")
    return workspace.root


def card_of(workspace: Workspace, number: int, **changed: object) -> Path:
    """A real card, whose contract tries to bring a script."""
    metrics = {"primary": "f1", "at_least": 0.2}
    said = {"problem": "Callers ask. <script>alert(1)</script>", "metrics": metrics, "out_of_scope": ["x" * 90], **changed}
    return real_card(workspace, registered(workspace, "desk", number), **said)


def seal(workspace: Workspace, candidate: str, f1: float) -> Evidence:
    """Evidence as a measurement leaves it in the store."""
    scratch = workspace.store.scratch(candidate)
    rows = [
        {
            "id": str(i),
            "text": text,
            "answer": "unknown" if i else f"In 1825 {f1}",
            "reference": "1825",
            "passages": ["rail"],
        }
        for i, text in enumerate(QUESTIONS)
    ]
    write_jsonl(scratch / "examples.jsonl", rows)
    table = workspace.store.put(scratch / "examples.jsonl")
    figure = Metric(value=f1, low=f1 - 0.1, high=f1 + 0.1, n=3)
    metrics = {"abstention_recall": figure, "f1": figure, "rouge_l": figure}
    evidence = Evidence(candidate=candidate, split="test", split_object="rows", table=table, metrics=metrics)
    workspace.store.seal(Seal(key=candidate, name="measure", result=evidence.model_dump(mode="json")))
    return evidence


@pytest.fixture
def workspace(made, tmp_path, monkeypatch) -> Workspace:
    shutil.copytree(made, tmp_path / "home")
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "home/keys"))
    return Workspace(tmp_path / "home")


@pytest.fixture
def client(workspace) -> TestClient:
    """A reader who opened the address with the key."""
    client = TestClient(create_app(workspace, KEY), base_url="http://127.0.0.1")
    client.get(f"/?key={KEY}")
    return client


def form(client: TestClient, **changed: str) -> dict[str, str]:
    """What the page's form would send."""
    text = client.get("/desk/2").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))
    return {**hidden, "by": "Grace", "role": "", "reason": "figures hold", "decision": "approve", **changed}


ORIGIN = {"origin": "http://127.0.0.1"}


def test_evidence_that_was_changed_is_not_shown_for_what_was_measured(client, workspace) -> None:
    """Answers made better in the table that a version was decided on: its digest is not what was approved any more."""
    sent = form(client)
    table = next(path for path in workspace.store.root.rglob("examples.jsonl") if "0.625" in path.read_text())
    table.write_text(table.read_text().replace("unknown", "1825"))
    page = client.get("/desk/2")
    assert page.status_code == 409
    assert "the evidence is no longer what was measured" in page.text
    assert client.post("/desk/2", data={**sent, "seen": "x"}, headers=ORIGIN).status_code == 409
    assert client.get("/desk/1").status_code == 200
    with pytest.raises(MachineFault, match="no longer what was measured"):
        approve(workspace, "desk", 2, "Grace", "figures hold")
    assert reject(workspace, "desk", 2, "Grace", "its evidence was changed").by == "Grace"


def test_the_page_shows_what_changed_and_the_evidence(client) -> None:
    text = client.get("/desk/2").text
    assert "Against champion version 1" in text
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>', text[text.index("Figures on the test split") :])
    assert rows[:3] == ['f1 <strong class="mark">primary</strong>', "abstention_recall", "rouge_l"]
    assert re.search(r"primary</strong></th><td>0\.625.*?<td>0\.500.*?\+0\.125", text, re.S)
    assert '<tr class="changed"><th scope="row">baseline' in text
    assert "3 of 3 rows" in text
    assert "1 of 3 rows" in client.get("/desk/2?words=RAILWAY").text
    assert "2 of 3 rows" in client.get("/desk/2?show=abstained").text
    assert "2 of 3 rows" in client.get("/desk/2?show=wrong").text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text, "what a card says is shown and never run"


def test_the_verdict_and_the_gates_come_first(client) -> None:
    text = client.get("/desk/2").text
    before = text[: text.index("Against champion version 1")]
    assert "<strong>Meets the contract</strong>: f1_answerable 0.310 on test" in before
    assert re.search(r"<td>gain over plain baseline</td>\n<td>\+0\.120 \[\+0\.060, \+0\.180\]", before)


@pytest.mark.parametrize("name", ["v2.md", "v2.html"])
def test_a_forged_card_is_named_not_shown_and_not_approved(client, workspace, name) -> None:
    path = workspace.root / "model_cards/desk_case" / name
    path.write_text(path.read_text().replace("0.310", "0.910"))
    text = client.get("/desk/2").text
    assert re.search(r"Cannot be approved.*?" + name + r", line \d+: says .*?0\.910.*?</li>", text, re.S)
    assert "0.310" in text
    assert "0.910" not in text[text.index("What the run decided") :]
    done = client.post("/desk/2", data=form(client), headers=ORIGIN)
    assert (done.status_code, "is not approved" in done.text) == (422, True)
    (path.parent / "v2.record.json").unlink()
    text = client.get("/desk/2").text
    assert "without its record a card can be neither verified" in text
    assert client.post("/desk/2", data=form(client), headers=ORIGIN).status_code == 422
    assert Approvals(workspace).entries("desk", 2) == []


def test_an_approval_says_until_when_and_that_it_is_over(client, workspace, monkeypatch) -> None:
    until = Approvals(workspace).entries("desk", 1)[-1].expires[:10]
    for path in ("/", "/desk/1"):
        assert f"approved until {until}" in client.get(path).text
    later(monkeypatch, 100)
    for path in ("/", "/desk/1"):
        text = client.get(path).text
        assert f"its approval has expired (Ada&#39;s on {until}). Approve it again" in text
        assert "approved until" not in text


def test_two_servers_in_one_browser_do_not_share_a_cookie(workspace) -> None:
    names = set()
    for port in (8100, 8101):
        entered = TestClient(create_app(workspace, KEY), base_url=f"http://127.0.0.1:{port}").get(
            f"/?key={KEY}", follow_redirects=False
        )
        names.add(entered.headers["set-cookie"].split("=")[0])
    assert names == {"ninefold_review_8100", "ninefold_review_8101"}


def test_a_decision_is_recorded_once_read(client, workspace) -> None:
    done = client.post("/desk/2", data=form(client), headers=ORIGIN)
    assert done.status_code == 200
    assert "Version 2 is champion" in done.text
    (line,) = Approvals(workspace).entries("desk", 2)
    assert (line.by, line.role, line.reason) == ("Grace", "reviewer", "figures hold")
    assert Registry(workspace).holder("desk", "champion") == 2


def test_a_rejection_is_recorded_with_its_reason(client, workspace) -> None:
    done = client.post("/desk/2", data=form(client, decision="reject", reason="it cites nothing"), headers=ORIGIN)
    assert "rejected by Grace: it cites nothing" in done.text
    assert Registry(workspace).holder("desk", "champion") == 1


@pytest.mark.parametrize(
    ("headers", "changed", "status"),
    [
        ({}, {}, 409),
        ({"origin": "null"}, {}, 409),
        ({"origin": "http://evil.example"}, {}, 409),
        ({"origin": "https://127.0.0.1"}, {}, 409),
        ({"origin": "http://127.0.0.1:81"}, {}, 409),
        (ORIGIN, {"token": "guessed"}, 409),
        (ORIGIN, {"token": ""}, 409),
        (ORIGIN, {"seen": "another digest"}, 422),
        (ORIGIN, {"seen": ""}, 422),
        (ORIGIN, {"decision": "maybe"}, 422),
        (ORIGIN, {"reason": " "}, 422),
        (ORIGIN, {"by": "Mallory"}, 422),
        (ORIGIN, {"role": "king"}, 422),
        (ORIGIN, {"reason": "x" * 30_000}, 409),
    ],
)
def test_a_decision_that_is_not_the_readers_is_not_recorded(client, workspace, headers, changed, status) -> None:
    assert client.post("/desk/2", data=form(client, **changed), headers=headers).status_code == status
    assert Approvals(workspace).entries("desk", 2) == []
    assert Registry(workspace).holder("desk", "champion") == 1


def test_what_changed_since_it_was_read_is_not_approved(client, workspace) -> None:
    data = form(client)
    card_of(workspace, 2, intended_use="Another use.")
    done = client.post("/desk/2", data=data, headers=ORIGIN)
    assert (done.status_code, "no longer what was read" in done.text) == (422, True)
    assert '<a href="/desk/2">load the page anew</a>' in done.text
    again = client.post("/desk/2", data=data, headers=ORIGIN)
    assert again.status_code == 422
    sent = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', again.text))
    assert sent["seen"] == covered(workspace, registered(workspace, "desk", 2)).digest != data["seen"]
    assert " checked>" not in again.text, "what is shown now was not read yet: it is chosen anew"
    assert Approvals(workspace).entries("desk", 2) == []


def test_without_the_key_or_by_another_name_nothing_is_shown(workspace) -> None:
    app = create_app(workspace, KEY)
    stranger = TestClient(app, base_url="http://127.0.0.1")
    for path in ("/", "/desk/2", "/?key=guessed", "/openapi.json", "/docs"):
        assert stranger.get(path).status_code == 403
    assert stranger.post("/desk/2", data={}, headers=ORIGIN).status_code == 403
    assert TestClient(app, base_url="http://rebound.example").get(f"/?key={KEY}").status_code == 400


def test_no_other_page_may_frame_it_or_send_its_cookie(workspace) -> None:
    client = TestClient(create_app(workspace, KEY), base_url="http://127.0.0.1")
    entered = client.get(f"/?key={KEY}", follow_redirects=False)
    assert {"HttpOnly", "SameSite=strict"} <= set(entered.headers["set-cookie"].split("; "))
    assert KEY not in entered.headers["location"]
    assert "frame-ancestors 'none'" in client.get("/").headers["content-security-policy"]
    assert client.get("/ghost/1").status_code == 404


@pytest.fixture
def page(workspace) -> Iterator[tuple[object, str]]:
    """Debian's Chromium, and the address that `ninefold review` prints in a process of its own."""
    from playwright.sync_api import Error, sync_playwright

    chromium = shutil.which("chromium")
    if not chromium:  # `make test` needs Python and make alone
        pytest.skip("no Chromium on this machine: apt-get install chromium (.ci/run does)")
    command = [sys.executable, "-m", "flows.cli", "review", "--port", str(free_port())]
    with subprocess.Popen(command, env=environment(workspace.root), cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = re.search(r"http://\S+", server.stdout.readline())[0]
            with sync_playwright() as playwright:
                arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
                browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
                opened = browser.new_page()
                for _ in range(100):
                    try:
                        opened.goto(address)
                        break
                    except Error as error:  # it says its address just before it listens
                        if "ERR_CONNECTION_REFUSED" not in str(error):
                            raise
                        opened.wait_for_timeout(200)
                yield opened
                browser.close()
        finally:
            server.terminate()


def reach(page, what: str) -> None:
    """Press Tab until the element `what` has the focus."""
    for _ in range(80):
        if page.evaluate("what => document.activeElement.matches(what)", what):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {what}")


def violations(page) -> list[str]:
    """What axe-core finds, in both colour schemes."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        results = Axe().run(page)
        found += [f"{scheme}: {item['id']}: {item['nodes'][0]['html']}" for item in results.response["violations"]]
    return found


def shot(page, name: str) -> None:
    """A picture for a person, where a folder for it is named."""
    if folder := os.environ.get("NINEFOLD_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_version_is_approved_in_a_browser_by_keyboard_alone(page, workspace) -> None:
    Registry(workspace).client.set_model_version_tag("desk", "1", "ninefold.evidence", "forged")
    page.reload()
    assert "tags of version 1 were edited in MLflow" in page.inner_text("[role=status]")
    assert violations(page) == []
    shot(page, "index")
    reach(page, "a[href='/desk/2']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/2")
    assert violations(page) == []
    reach(page, "#words")
    page.keyboard.type("railway")
    page.keyboard.press("Enter")
    page.wait_for_url("**words=railway**")
    assert "1 of 3 rows" in page.inner_text("main")
    reach(page, "summary")
    page.keyboard.press("Enter")
    assert page.is_visible("table.card")
    assert violations(page) == []
    shot(page, "version")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390, "nothing is wider than a telephone"
    shot(page, "version-narrow")
    page.set_viewport_size({"width": 1280, "height": 720})
    reach(page, "#by")
    page.keyboard.type("Mallory")
    reach(page, "#approve")
    page.keyboard.press("Space")
    reach(page, "#reason")
    page.keyboard.type("figures hold")
    reach(page, "section.decision button")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert "'Mallory' does not have any role" in page.inner_text("[role=alert]")
    assert page.title().startswith("Error: ")
    assert violations(page) == []
    shot(page, "refused")
    reach(page, "[role=alert] a")
    page.keyboard.press("Enter")
    reach(page, "#by")
    page.keyboard.press("Control+A")
    page.keyboard.type("Grace")
    reach(page, "section.decision button")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=status]")
    assert "Version 2 is champion" in page.inner_text("[role=status]")
    assert violations(page) == []
    shot(page, "done")
    (line,) = Approvals(workspace).entries("desk", 2)
    assert (line.by, line.reason) == ("Grace", "figures hold")
    assert Registry(workspace).holder("desk", "champion") == 2
    named = page.accessibility.snapshot() if hasattr(page, "accessibility") else page.locator("main").aria_snapshot()
    assert "Decision" in str(named)


def test_a_digest_is_a_link_to_its_table_and_what_is_not_named_is_not_opened(client, workspace) -> None:
    evidence = registered(workspace, "desk", 2).evidence[:12]
    text = client.get("/desk/2").text
    link = f"/desk/2/digest/{evidence}"
    assert f'<a href="{link}"><code>{evidence}</code></a>' in text
    table = client.get(link).text
    assert "examples.jsonl" in table
    assert "In 1825 0.625" in table
    other = registered(workspace, "desk", 1).evidence[:12]
    assert client.get(f"/desk/2/digest/{other}").status_code == 404
    changed = next(path for path in workspace.store.root.rglob("examples.jsonl") if "0.625" in path.read_text())
    changed.write_text("{}")
    assert client.get(link).status_code == 409
    torn = next((workspace.store.root / "steps").glob("*.json"))
    torn.write_text("{")
    client.get(link)
    assert (changed.read_text(), torn.read_text()) == ("{}", "{"), "looking moves nothing away"


def test_the_page_shows_the_pictures_of_the_card_and_runs_nothing(client) -> None:
    text = client.get("/desk/2").text
    order = [
        "What the run decided",
        "Against champion version 1",
        '<h2 id="pictures">',
        '<h2 id="facts">',
        "Record the decision",
    ]
    assert [text.index(one) for one in order] == sorted(text.index(one) for one in order)
    (picture,) = re.findall(r'<img src="([^"]+)"', text)
    drawn = client.get(picture)
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert "<svg" in drawn.text
    assert "var(--" not in drawn.text
    assert "script-src" not in drawn.headers["content-security-policy"]
    assert client.get("/desk/2/picture/7").status_code == 404


def test_a_passage_opens_as_text(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    write_jsonl(
        tmp_path / "passages.jsonl", [{"id": "rail", "text": "The railway opened in 1825."}, {"id": "x", "text": "y"}]
    )
    knowledge = workspace.store.put(tmp_path / "passages.jsonl")
    retriever = Retriever(scoring="bm25", knowledge=knowledge)
    candidate = Candidate(task="question_answering", runtime=Runtime(engine="baseline"), retriever=retriever)
    assert {name: one.text for name, one in passages(workspace.store, candidate, ["rail", "gone"]).items()} == {
        "rail": "The railway opened in 1825."
    }
