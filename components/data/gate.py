"""The quality gate: a Great Expectations checkpoint on every source, before any stage may read it.

Expectations have severities. A critical one tolerates `data.quarantine_at_most` bad rows, which are set aside with their
reason; more than that stops the run. A warning is noted and stops nothing. The report for people is GX's Data Docs.
"""

import logging
import os
import re
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from components.core import Data, Source, Task, canonical

from .read import Record, required_fields

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.expectations.expectation import Expectation

_RUN_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # Data Docs are an object of the store: equal data must give equal bytes
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHOWN_TIME = re.compile(r"2000-01-01(T| )00:00:00(Z| UTC)")
_LOAD_TIME = re.compile(r"\d{8}T\d{6}\.\d{6}Z")


@dataclass(frozen=True)
class Verdict:
    """What the gate found in one source. bad: line → reasons; refused: why the run must stop; warned: lines for the card."""

    bad: dict[int, list[str]]
    refused: list[str]
    warned: list[str]

    def of(self, source: Source) -> list[str]:
        """Why the run must stop, each line with the source's name."""
        return [f"source '{source.name}' ({source.path}): {reason}" for reason in self.refused]


class Gate:
    """One Great Expectations context for all sources of a run; Data Docs grow in `docs`."""

    def __init__(self, docs: Path) -> None:
        shutil.rmtree(docs, ignore_errors=True)  # what a killed run left
        self.docs = docs
        self._gx = _quiet_great_expectations()
        self._context = self._gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        place = str(docs).replace("$", r"\$")  # else the name of a variable
        store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": place}
        index = {"class_name": "DefaultSiteIndexBuilder"}
        self._context.add_data_docs_site(
            "docs", {"class_name": "SiteBuilder", "site_index_builder": index, "store_backend": store}
        )

    def check(self, source: Source, records: list[Record], task: Task, data: Data, max_characters: int) -> Verdict:
        """Validate one source; every failed row is named by its line."""
        import pandas as pd

        columns = ("line", "text", "answer", "passage", "title", "tests")
        frame = pd.DataFrame({column: [getattr(record, column) for record in records] for column in columns})
        frame = frame.astype(dict.fromkeys(columns[1:], object))
        asked = required_fields(source, task)
        frame["row"] = [_row([getattr(record, column) for column in asked]) for record in records]
        expectations = _expectations(source, task, 1 - data.quarantine_at_most, max_characters)
        result = self._run(source, frame, expectations)
        faults = {record.line: ": ".join(filter(None, (record.file, record.fault))) for record in records if record.fault}
        return _verdict(source, result, len(records), data.quarantine_at_most, faults)

    def _run(
        self, source: Source, frame: "pd.DataFrame", expectations: list["Expectation"]
    ) -> "ExpectationSuiteValidationResult":
        gx, context = self._gx, self._context
        asset = context.data_sources.add_pandas(source.name).add_dataframe_asset(source.name)
        batch = asset.add_batch_definition_whole_dataframe("rows")
        suite = context.suites.add(gx.ExpectationSuite(name=source.name, expectations=expectations))
        validation = context.validation_definitions.add(gx.ValidationDefinition(name=source.name, data=batch, suite=suite))
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(
                name=source.name,
                validation_definitions=[validation],
                actions=[gx.checkpoint.UpdateDataDocsAction(name="docs", site_names=["docs"])],
                result_format={
                    "result_format": "COMPLETE",
                    "unexpected_index_column_names": ["line"],
                    "return_unexpected_index_query": False,
                },
            )
        )
        run_id = gx.RunIdentifier(run_name=source.name, run_time=_RUN_TIME)
        (result,) = checkpoint.run(batch_parameters={"dataframe": frame}, run_id=run_id).run_results.values()
        return result

    def settle(self) -> Path:
        """The Data Docs with random identifiers and clock times replaced by fixed ones: equal data, equal bytes."""
        for page in sorted(self.docs.rglob("*.html")):
            text = page.read_text(encoding="utf-8")
            names: dict[str, str] = {}
            for identifier in _UUID.findall(text):
                names.setdefault(identifier, f"id-{len(names)}")
            text = _UUID.sub(partial(_renamed, names), text)
            text = _SHOWN_TIME.sub("see the seal of this step", text)  # nobody shall take the fixed time for the real one
            page.write_text(_LOAD_TIME.sub(_RUN_TIME.strftime("%Y%m%dT%H%M%S.%fZ"), text), encoding="utf-8")
        return self.docs


def refusal(refused: Sequence[str], data: Data) -> str:
    """What a run that the gate stops says: what is wrong, and what to do."""
    return (
        f"data: {'; '.join(refused)}. Correct the file, or allow more bad rows with data.quarantine_at_most "
        f"(now {data.quarantine_at_most})"
    )


def _renamed(names: dict[str, str], match: re.Match[str]) -> str:
    return names[match.group()]


def _row(values: list[str | None]) -> str | None:
    """A row as one text, to find equal ones by; None where all of it is missing. GX's own expectation over several columns
    takes them from a set: their order in the page, and with it the page's bytes, would differ between two processes."""
    return canonical(values) if any(values) else None


def _expectations(source: Source, task: Task, mostly: float, max_characters: int) -> list["Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.metadata_types import FailureSeverity

    warning, critical = FailureSeverity.WARNING, FailureSeverity.CRITICAL
    columns = required_fields(source, task)
    expectations: list[Expectation] = [gxe.ExpectTableRowCountToBeBetween(min_value=1, severity=critical)]
    for column in columns:
        expectations.append(gxe.ExpectColumnValuesToNotBeNull(column=column, mostly=mostly, severity=critical))
        expectations.append(
            gxe.ExpectColumnValueLengthsToBeBetween(
                column=column, min_value=1, max_value=max_characters, mostly=mostly, severity=critical
            )
        )
    if task.labels and "answer" in columns:
        expectations.append(
            gxe.ExpectColumnValuesToBeInSet(column="answer", value_set=list(task.labels), mostly=mostly, severity=critical)
        )
    if columns == ("text",):
        expectations.append(gxe.ExpectColumnValuesToBeUnique(column="text", severity=warning))
    elif "text" in columns:
        expectations.append(gxe.ExpectColumnValuesToBeUnique(column="row", severity=warning))
    return expectations


_MEANING = {
    "expect_column_values_to_not_be_null": "is missing or is not text",
    "expect_column_value_lengths_to_be_between": "is longer than max_characters",
    "expect_column_values_to_be_in_set": "is not one of task.labels",
}


def _verdict(
    source: Source, result: "ExpectationSuiteValidationResult", count: int, at_most: float, faults: dict[int, str]
) -> Verdict:
    """faults: line → why its document could not be read, which says more than that its text is missing."""
    bad: dict[int, list[str]] = {}
    refused, warned = [], []
    for item in result.results:
        asked = item.expectation_config
        assert asked, "every result names its expectation"
        kind, column = asked.type, asked.kwargs.get("column", "")
        if item.exception_info.get("raised_exception") or (kind in _MEANING and "element_count" not in item.result):
            refused.append(f"{kind} on '{column}' could not be computed: {item.exception_info.get('exception_message')}")
            continue
        lines = sorted(int(row["line"]) for row in item.result.get("unexpected_index_list") or [])
        if kind not in _MEANING:
            if lines:
                warned.append(f"{source.name}: {len(lines)} of {count} rows stand there more than once ({kind})")
            continue
        for line in lines:
            bad.setdefault(line, []).append(f"{column} {_MEANING[kind]}")
        if not item.success:
            first = item.result["partial_unexpected_list"][0]
            example = f", {first!r}" if isinstance(first, str) else ""
            why = faults.get(lines[0], f"{column} {_MEANING[kind]}")
            refused.append(
                f"{kind} on '{column}': {len(lines)} of {count} rows fail (first: line {lines[0]}{example[:80]}; {why})"
            )
    bad |= {line: [fault] for line, fault in faults.items()}
    if not refused and len(bad) > at_most * count:
        refused.append(f"{len(bad)} of {count} rows fail one critical expectation or another (first: line {min(bad)})")
    return Verdict(bad, refused, warned)


def _quiet_great_expectations() -> ModuleType:
    """Great Expectations without analytics, warnings and log lines on the screen."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # for whoever comes here without the command line
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations
        import great_expectations.checkpoint

    for name in ("great_expectations", "great_expectations.data_context.types.base"):  # the second sets a level of its own
        logging.getLogger(name).setLevel(logging.ERROR)
    return great_expectations
