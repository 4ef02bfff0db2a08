"""A registration that was killed is gone on with: no logged model stands there twice, or half."""

from pathlib import Path

from components.core import Workspace
from components.core.tracking import Tracking
from components.deployment.register import MARK, _logged


def test_a_logged_model_that_a_kill_left_half_made_is_taken_away(tmp_path: Path) -> None:
    tracking = Tracking(Workspace(tmp_path), "desk")
    client, where = tracking.client, tracking.experiment

    def logged(mark: str) -> str:
        return str(client.create_logged_model(where, name="desk", tags={MARK: mark}).model_id)

    def there() -> set[str]:
        return {model.model_id for model in client.search_logged_models([where])}

    half, others = logged("ours"), logged("another's")
    assert _logged(tracking, "ours") is None
    assert there() == {others}
    whole = logged("ours")
    client.finalize_logged_model(whole, "READY")
    half = logged("ours")
    assert _logged(tracking, "ours") == whole
    assert half not in there()
