"""The pictures of README and docs, made anew: a shipped card, and the review page of this workspace's newest version.

python docs/screenshots.py      (`make screenshots`) needs Chromium and a workspace with a released version
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = Path(__file__).parent / "images"
CARD = ROOT / "model_cards/voice_helpdesk/v1.html"
SIZE = ViewportSize(width=1000, height=940)
PORT = "8199"


def main() -> None:
    """Make both."""
    chromium = shutil.which("chromium")
    if not chromium:
        sys.exit("no Chromium on this machine: apt-get install chromium")
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = opened(browser, CARD.as_uri())
        page.screenshot(path=IMAGES / "card.png")
        review(browser)
        browser.close()


def review(browser: Browser) -> None:
    """The page of the newest version, as `ninefold review` serves it."""
    command = [sys.executable, "-m", "flows.cli", "review", "--port", PORT]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            address = re.search(r"http://\S+", server.stdout.readline())
            if not address:
                sys.exit(f"`ninefold review` gave no address; is port {PORT} free?")
            page = opened(browser, address[0])
            page.click("main a[href^='/']")
            page.wait_for_url("**/*/*")
            page.screenshot(path=IMAGES / "review.png")
        finally:
            server.terminate()


def opened(browser: Browser, address: str) -> Page:
    """The page at `address`; a server says its address just before it listens, so it is asked again for a while."""
    page = browser.new_page(viewport=SIZE, color_scheme="light")
    for _ in range(50):
        try:
            page.goto(address)
            return page
        except Error as error:
            if "ERR_CONNECTION_REFUSED" not in str(error):
                raise
            page.wait_for_timeout(200)
    sys.exit(f"nobody listens at {address.split('?')[0]}")


if __name__ == "__main__":
    main()
