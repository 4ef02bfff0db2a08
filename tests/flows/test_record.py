"""What a run tells Prefect of the runs before it."""

import prefect.settings
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from prefect.settings import temporary_settings

from components.core import Workspace
from flows.record import claim


def test_only_the_same_workspace_s_earlier_run_is_said_to_have_crashed(prefect_server, tmp_path):
    here, elsewhere = (Workspace(tmp_path / name) for name in ("here", "elsewhere"))
    seen = []

    def state(of: str) -> str:
        with get_client(sync_client=True) as client:
            return str(client.read_flow_run(of).state_type.value)

    @flow
    def later(earlier: str, workspace: Workspace) -> None:
        claim("case-smoke-0000", workspace)
        seen.append(state(earlier))

    @flow
    def first() -> None:
        claim("case-smoke-0000", here)
        mine = flow_run.get_id()
        later(mine, elsewhere)
        later(mine, here)

    found = {getattr(prefect.settings, name): value for name, value in prefect_server.items() if name.startswith("PREFECT_")}
    with temporary_settings(found):
        first()
    assert seen == ["RUNNING", "CRASHED"]
