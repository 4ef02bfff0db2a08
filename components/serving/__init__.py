"""Serving: a bundle (one Candidate with its objects) in; an OpenAI-compatible endpoint on loopback out, whose traffic and
feedback are kept. The web application itself is `components.serving.app.create_app`, which needs FastAPI."""

from .ask import Asked, ask, checked, smoke_test
from .bundle import candidate_of, load_bundle, reference_of
from .endpoint import Endpoint, all_kept, free_port, keep, kept, start, status, stop
from .traffic import Traffic, read_traffic, traffic_path

__all__ = [
    "Asked",
    "Endpoint",
    "Traffic",
    "all_kept",
    "ask",
    "candidate_of",
    "checked",
    "free_port",
    "keep",
    "kept",
    "load_bundle",
    "read_traffic",
    "reference_of",
    "smoke_test",
    "start",
    "status",
    "stop",
    "traffic_path",
]
