"""What a run used: energy as an estimate, and money at the contract's price of a machine hour.

No meter is read. The estimate is processor seconds times the power of one core at work, as a range between two published
figures. Left out: idle power, memory, disks, cooling (PUE), and a GPU, so a profile that computes on one gets no estimate.
"""

from typing import TypedDict

from .record import Record

WATTS = (3.5, 12.0)
"""Of one core at full load: Cloud Carbon Footprint's average for a vCPU of AWS (methodology, from SPECpower), and what Green
Algorithms takes for a core of an unknown processor (Lannelongue et al. 2021, `TDP_cpu.csv`, "Any")."""
SOURCE = (
    "at 3.5 W a core (Cloud Carbon Footprint, average vCPU of AWS at full load) to 12 W (Green Algorithms, any processor); "
    "idle power, memory and cooling are not in it"
)


class Spent(TypedDict):
    """What a run used; None: not counted, or no price given."""

    processor_seconds: float | None
    low_wh: float
    high_wh: float
    source: str
    without: list[str]
    """Steps that did not count."""
    seconds: int
    cost: float | None


def of_1000(processor_seconds: float) -> str:
    """Watt-hours of 1,000 answers, estimated from the processor seconds of one: `0.2 to 0.8`."""
    low, high = (processor_seconds * 1000 * watts / 3600 for watts in WATTS)
    return f"{low:.2g} to {high:.2g}"


def spent(record: Record) -> Spent:
    """What the steps of a run used, added up."""
    counted = {step: figures.get("processor_seconds") for step, figures in record.measured.items()}
    used = sum(seconds for seconds in counted.values() if seconds is not None)
    seconds = sum(figures.get("seconds") or 0.0 for figures in record.measured.values())
    price = record.use_case.get("value", {}).get("machine_hour")
    return {
        "processor_seconds": round(used, 1) or None,
        "low_wh": used * WATTS[0] / 3600,
        "high_wh": used * WATTS[1] / 3600,
        "source": SOURCE,
        "without": sorted(step for step, seconds in counted.items() if seconds is None),
        "seconds": round(seconds),
        "cost": None if price is None or not seconds else round(seconds / 3600 * price, 4),
    }
