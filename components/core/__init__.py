"""Types, workspace, store, ledger, assets and progress: what every component stands on. Imports no other component."""

from .assets import ASSETS, asset_path, fetch
from .candidate import Adapter, Baseline, Candidate, Checkpoint, Prompt, PromptTurn, Quoted, Retriever, Runtime
from .code import code_digest
from .dataset import Dataset, Passage, Row, Split, read_passages, read_rows
from .digest import Frozen, canonical, digest_of, file_digest, short
from .errors import BadInput, GateRefused, MachineFault, MissingPackage, NinefoldError
from .evidence import Approval, Comparison, Decision, Evidence, Metric, Power, Release, StageResult, Verdict
from .feedback_store import Feedback, FeedbackStore, Seen
from .files import publish_bytes, publish_json, publish_text, read_jsonl, write_jsonl
from .ledger import Ledger
from .progress import listening, progress, report
from .step import Step
from .store import Seal, Store
from .use_case import (
    STAGES,
    Data,
    Deployment,
    Limits,
    Machine,
    Metrics,
    Policy,
    Profile,
    Source,
    Splits,
    Task,
    UseCase,
    Value,
    parse,
    read_yaml,
    stage_config,
)
from .workspace import Workspace

__all__ = [
    "ASSETS",
    "STAGES",
    "Adapter",
    "Approval",
    "BadInput",
    "Baseline",
    "Candidate",
    "Checkpoint",
    "Comparison",
    "Data",
    "Dataset",
    "Decision",
    "Deployment",
    "Evidence",
    "Feedback",
    "FeedbackStore",
    "Frozen",
    "GateRefused",
    "Ledger",
    "Limits",
    "Machine",
    "MachineFault",
    "Metric",
    "Metrics",
    "MissingPackage",
    "NinefoldError",
    "Passage",
    "Policy",
    "Power",
    "Profile",
    "Prompt",
    "PromptTurn",
    "Quoted",
    "Release",
    "Retriever",
    "Row",
    "Runtime",
    "Seal",
    "Seen",
    "Source",
    "Split",
    "Splits",
    "StageResult",
    "Step",
    "Store",
    "Task",
    "UseCase",
    "Value",
    "Verdict",
    "Workspace",
    "asset_path",
    "canonical",
    "code_digest",
    "digest_of",
    "fetch",
    "file_digest",
    "listening",
    "parse",
    "progress",
    "publish_bytes",
    "publish_json",
    "publish_text",
    "read_jsonl",
    "read_passages",
    "read_rows",
    "read_yaml",
    "report",
    "short",
    "stage_config",
    "write_jsonl",
]
