"""The bill of materials of a release as CycloneDX 1.6 JSON (an ML-BOM): model, adapter, index, data sets, libraries.

The library writes and validates it; it has no class for `modelCard` yet, so that object is added to its JSON. A component's
hash is the SHA-256 of one file; an object of several files names each as a file inside it. Equal records give equal bytes.
"""

import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.core import MachineFault, digest_of

from .figures import parts, test_metrics
from .limits import risks
from .record import MetricDump, Record

if TYPE_CHECKING:
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License

OUR = uuid.UUID("6a1b9f1e-6f0e-5a53-9d6e-9c1a9f0f7f5d")
"""Name space of serial numbers that follow from the candidate."""
KINDS = dict.fromkeys(("base model", "adapter", "embedder", "base embedder"), "machine-learning-model")
"""Part of a candidate → kind of component; any other is data."""


def bom(record: Record) -> str:
    """The ML-BOM of `record` as JSON. Raises MachineFault where it breaks the strict schema."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    version = str(record.model["version"]) if record.model else "draft"
    root = Component(
        name=record.use_case["name"], version=version, type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"release-{record.candidate.digest[:12]}", description=record.use_case.get("problem"),
    )  # fmt: skip
    materials = Bom(serial_number=uuid.uuid5(OUR, digest_of([record.candidate, version])))
    materials.metadata.component = root
    materials.components.update([*_parts(record), *_data_sets(record), *_libraries(record)])
    materials.register_dependency(root, materials.components)
    content = json.loads(JsonV1Dot6(materials).output_as_string())
    content["metadata"].pop("timestamp", None)  # equal records, equal bytes
    content["metadata"]["component"]["modelCard"] = model_card(record)
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise MachineFault(f"the bill of materials of {record.use_case['name']} breaks CycloneDX 1.6: {error}")
    return text


def model_card(record: Record) -> dict[str, object]:
    """CycloneDX's `modelCard` object."""
    contract = record.use_case
    return {
        "modelParameters": {
            "task": contract["task"]["kind"],
            "architectureFamily": record.candidate.runtime.engine,
            "inputs": [{"format": "text"}],
            "outputs": [{"format": "text"}],
            "datasets": [{"ref": f"data-{one['name']}"} for one in record.provenance.get("sources", ())],
        },
        "quantitativeAnalysis": {"performanceMetrics": [_metric(name, one) for name, one in test_metrics(record).items()]},
        "considerations": {
            "useCases": [text for text in [contract.get("intended_use")] if text],
            "technicalLimitations": risks(record),
            "ethicalConsiderations": [{"name": f"out of scope: {one}"} for one in contract.get("out_of_scope", ())],
        },
    }


def _metric(name: str, metric: MetricDump) -> dict[str, object]:
    shown: dict[str, object] = {"type": name, "value": f"{metric['value']:.6g}", "slice": "test"}
    low, high = metric.get("low"), metric.get("high")
    if low is not None and high is not None:
        shown["confidenceInterval"] = {"lowerBound": f"{low:.6g}", "upperBound": f"{high:.6g}"}
    return shown


def _parts(record: Record) -> "Iterator[Component]":
    from cyclonedx.model import HashType, Property
    from cyclonedx.model.component import Component, ComponentType

    sha256 = HashType.from_hashlib_alg
    for part, what, licence, digest in parts(record):
        if digest is None or part == "prompt":
            continue
        ref = f"{part.replace(' ', '-')}-{digest[:12]}"
        inside = [
            Component(name=path, type=ComponentType.FILE, hashes=[sha256("sha256", sha)], bom_ref=f"{ref}/{path}")
            for path, sha in sorted(record.files.get(digest, {}).items())
        ]
        yield Component(
            name=part, version=digest[:12], type=ComponentType(KINDS.get(part, "data")), description=what,
            licenses=_licences(licence), components=inside, bom_ref=ref,
            properties=[Property(name="ninefold:object", value=digest)],
        )  # fmt: skip


def _data_sets(record: Record) -> "Iterator[Component]":
    from cyclonedx.model import HashType
    from cyclonedx.model.component import Component, ComponentType

    for one in record.provenance.get("sources", ()):
        hashes = [HashType.from_hashlib_alg("sha256", one["sha256"])] if one.get("sha256") else []
        yield Component(
            name=one["name"], type=ComponentType.DATA, description=f"{one['role']}: {one['origin']}", hashes=hashes,
            licenses=_licences(one["licence"]), bom_ref=f"data-{one['name']}",
        )  # fmt: skip


def _libraries(record: Record) -> "Iterator[Component]":
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    for name, version in sorted(record.libraries.items()):
        purl = PackageURL("pypi", name=name, version=version)
        yield Component(name=name, version=version, type=ComponentType.LIBRARY, purl=purl, bom_ref=str(purl))


def _licences(identifier: str) -> "list[License]":
    """An SPDX identifier or expression in whichever case; what is neither goes by its name."""
    from cyclonedx.exception.factory import InvalidLicenseExpressionException, InvalidSpdxLicenseException
    from cyclonedx.factory.license import LicenseFactory

    if not identifier:
        return []
    factory = LicenseFactory()
    for make in (factory.make_with_id, factory.make_with_expression):
        try:
            return [make(identifier)]
        except (InvalidSpdxLicenseException, InvalidLicenseExpressionException):
            continue
    return [factory.make_with_name(identifier)]
