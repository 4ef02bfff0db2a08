"""Ways in which a LanceDB table on disk is torn."""

import os
import shutil
from pathlib import Path

import lancedb


def _data(index: str, derived: Path) -> Path:
    return max(derived.glob(f"lance-{index}/rows.lance/data/*"), key=lambda path: path.stat().st_size)


def lose_a_file(index: str, derived: Path) -> None:
    _data(index, derived).unlink()


def cut_a_file(index: str, derived: Path) -> None:
    os.truncate(path := _data(index, derived), path.stat().st_size // 2)


def turn_bytes(index: str, derived: Path) -> None:
    path = _data(index, derived)
    data = bytearray(path.read_bytes())
    data[100:108] = bytes(255 - byte for byte in data[100:108])
    path.write_bytes(data)


def lose_its_versions(index: str, derived: Path) -> None:
    shutil.rmtree(derived / f"lance-{index}" / "rows.lance" / "_versions")


def lose_its_table(index: str, derived: Path) -> None:
    shutil.rmtree(derived / f"lance-{index}" / "rows.lance")


def change_a_passage(index: str, derived: Path) -> None:
    table = lancedb.connect(derived / f"lance-{index}").open_table("rows")
    table.update(where="number = 3", values={"passage": "another"})


TEARS = (lose_a_file, cut_a_file, turn_bytes, lose_its_versions, lose_its_table, change_a_passage)
