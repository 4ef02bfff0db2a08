"""A server on loopback that speaks OpenAI's chat completions and can be busy: what it says is plain to foresee."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from components.application.engines.openai import FIXED


class Server(ThreadingHTTPServer):
    """Answers with the last word of what it is asked; the first `busy` requests get 429. `word`: what it says
    in place of that; to the first `odd` fixed questions it says "odd". `asked`: the times of requests."""

    def __init__(self, busy: int = 0, pause: str | None = None, word: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Words)
        self.busy, self.pause, self.word, self.odd, self.asked = busy, pause, word, 0, list[float]()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Words(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(time.monotonic())
        if len(self.server.asked) <= self.server.busy:
            self.send_response(429)
            if self.server.pause:
                self.send_header("Retry-After", self.server.pause)
            self.end_headers()
            return
        question = body["messages"][-1]["content"]
        said = "odd" if question in FIXED[: self.server.odd] else self.server.word or question.split()[-1]
        usage = {"prompt_tokens": 40, "completion_tokens": 5}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"choices": [{"message": {"content": said}}], "usage": usage}).encode())

    def log_message(self, *args: object) -> None:
        return
