"""What is known of the models behind endpoints: their answers to fixed questions, kept in the workspace.

They are part of a run's key, so they change only where the model did: a hosted model answers a question otherwise now and
then, and an endpoint that is down says nothing of what was measured before.
"""

from pathlib import Path

from components.application.engines.openai import fixed_answers, is_another
from components.core import MachineFault, digest_of, publish_json
from components.core.files import read_json


def known_answers(url: str, name: str, folder: Path) -> dict[str, str]:
    """Fixed question → answer of the model `name` behind `url`: those of before, unless most are other ones today.

    folder: where they are kept. Raises MachineFault where no endpoint answers and nothing is known of it.
    """
    path = folder / f"{digest_of([url, name])}.json"
    known: dict[str, str] = read_json(path) if path.is_file() else {}
    try:
        told = fixed_answers(url, name)
    except MachineFault:
        if known:
            return known
        raise
    if known and not is_another(known, told):
        return known
    folder.mkdir(parents=True, exist_ok=True)
    publish_json(path, told)
    return told
