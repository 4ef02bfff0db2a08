"""`python -m components.serving`: the server process that `start` spawns and that images run."""

from .server import main

main()
