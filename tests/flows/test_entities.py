"""The shipped use case of extraction goes through all nine stages on the smoke profile."""

import pytest

from components.core.code import ROOT
from tests.conftest import new_home

from .test_kinds import walked

pytestmark = pytest.mark.slow


def test_texts_with_json(tmp_path, prefect_server):
    summary = walked(new_home(tmp_path / "home"), ROOT / "flows/use_cases/entities.yaml", prefect_server)
    assert summary["test"]["primary"] == "entity_f1"
    assert summary["test"]["metrics"]["entity_f1"]["value"] > 0.1
    assert summary["test"]["metrics"]["valid_json"]["value"] == 1
