"""A model on loopback in which it is planted what a prompt is worth, and which writes wordings where DSPy asks for them."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zlib import crc32

from tests.selection.small import CITIES, RIVERS

PLANTED = "Name only the river."
KEY = "Seine"
"""What a demonstration answers that helps."""


class Planted(ThreadingHTTPServer):
    """It is right about 3 questions of 10, and about 9 where the prompt says `PLANTED` or shows a solved case that answers
    `KEY`; `plain`: about 3 whatever it shows. `asked`: questions so far, `written`: wordings. The question number `fails` is
    not answered."""

    def __init__(self, plain: bool = False, fails: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.plain, self.fails, self.asked, self.written = plain, fails, 0, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def said(self, messages: list[dict[str, str]]) -> str:
        if "proposed_instruction" in messages[0]["content"]:
            self.written += 1
            wording = PLANTED if self.written == 2 else "Fill {{input}} in." if self.written == 3 else "Answer at leisure."
            if self.written == 4:
                return "I would rather not."
            return f"[[ ## proposed_instruction ## ]]\n{wording}\n\n[[ ## completed ## ]]"
        self.asked += 1
        words = [message["content"] for message in messages]
        question = next(line for line in words[-1].splitlines() if line.startswith("Question:"))
        helped = not self.plain and (KEY in words or any(PLANTED in text for text in words))
        if crc32(question.encode()) % 10 >= (9 if helped else 3):
            return "nobody knows"
        return next(river for city, river in zip(CITIES, RIVERS, strict=True) if city in question)


class Answers(BaseHTTPRequestHandler):
    server: Planted

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = self.server.said(body["messages"])
        self.send_response(404 if self.server.asked == self.server.fails else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"choices": [{"message": {"content": said}}]}).encode())

    def log_message(self, *args: object) -> None:
        return
