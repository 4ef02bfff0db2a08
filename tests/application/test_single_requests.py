from collections.abc import Sequence

import pytest

from components.application import Requests, latency
from components.core import Prices, Row, TokenPrices

ROWS = [Row(id="a", text="say x", answer="x"), Row(id="b", text="say y", answer="y")]


def test_latency_is_that_of_single_requests() -> None:
    calls: list[Sequence[Row]] = []
    found = latency(calls.append, ROWS, n=5)
    assert [len(rows) for rows in calls] == [1] * 6
    assert found["n"] == 5
    assert 0 <= found["p50"] <= found["p95"]
    assert found["processor"] >= 0
    with pytest.raises(ValueError, match="one row"):
        latency(calls.append, [])


def test_a_thousand_answers_cost_their_seconds() -> None:
    requests = Requests(p50=0.4, p95=0.9, mean=0.5, n=4, memory_gb=1.0, processor=0.8)
    assert requests.cost_of_1000(Prices(machine_hour=7.2)) == pytest.approx(1.0)


def test_a_hosted_models_answers_cost_their_tokens_where_those_have_a_price() -> None:
    local = Requests(p50=0.4, p95=0.9, mean=0.5, n=4, memory_gb=1.0, processor=0.8)
    hosted = local.model_copy(update={"input_tokens": 400.0, "output_tokens": 50.0})
    prices = Prices(machine_hour=7.2, million_tokens=TokenPrices(input=0.5, output=2))
    assert hosted.cost_of_1000(prices) == pytest.approx(0.3)
    assert hosted.cost_of_1000(Prices(machine_hour=7.2)) == pytest.approx(1.0)
    assert local.cost_of_1000(prices) == pytest.approx(1.0)
