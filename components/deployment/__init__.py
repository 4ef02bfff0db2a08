"""Deployment: an evaluated Candidate in; a registered version, an endpoint that answered, an image and a Release out."""

from .bundle import export
from .stage import Config, Deployed, deploy

__all__ = ["Config", "Deployed", "deploy", "export"]
