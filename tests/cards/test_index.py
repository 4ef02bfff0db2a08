"""The index of cards: verdicts at a glance, a search that works offline, and the committed one up to date."""

import shutil
from pathlib import Path

import pytest

from components.cards import index, write_card
from components.core import Decision
from components.core.code import ROOT

from .record import record


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cards")
    write_card(record(), folder)
    refused = Decision(verdict="keep", reason="accuracy 0.050 on test is below the <b>threshold</b> of 0.1")
    contract = {**record().use_case, "name": "film_reviews", "problem": "Sort <script>alert(1)</script> reviews."}
    write_card(record(use_case=contract, model=None, status="draft", decision=refused), folder)
    return folder


def test_the_page_lists_every_card_with_its_verdict_and_gates(folder: Path) -> None:
    page = (folder / "index.html").read_text()
    assert page.index('href="film_reviews/draft.html"') < page.index('href="voice_helpdesk/v1.html"')
    assert '<span class="verdict">Meets the contract</span>: f1_answerable 0.310' in page
    assert '<span class="verdict">Does not meet the contract</span>' in page
    assert '<span class="holds">5 holds</span>' in page
    assert '<span class="open">' in page
    assert "<script>alert(1)" not in page
    assert "http://" not in page.replace("http-equiv", "")
    assert page.count("<script") == 1


def test_the_search_hides_the_cards_that_lack_a_word(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.goto((folder / "index.html").as_uri())
        page.fill("#words", "MEETS voice")
        assert page.locator("#cards > li:visible h2").all_inner_texts() == ["voice_helpdesk version 1"]
        assert page.inner_text("#count") == "1 of 2 cards"
        page.fill("#words", "nothing like it")
        assert page.locator("#none").is_visible()
        page.fill("#words", "")
        assert page.inner_text("#count") == "2 cards"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()


def test_the_committed_index_is_what_its_cards_give(tmp_path: Path) -> None:
    for card in (ROOT / "model_cards").glob("*/*.md"):
        (tmp_path / card.parent.name).mkdir(exist_ok=True)
        shutil.copy(card, tmp_path / card.parent.name)
    index(tmp_path)
    for name in ("index.html", "README.md"):
        assert (tmp_path / name).read_text() == (ROOT / "model_cards" / name).read_text(), "`ninefold card render` writes it"
