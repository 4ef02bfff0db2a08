"""The contract: one YAML file that states a business use case, and the profile that says where and how big it runs.

Every later gate reads the contract. A mistake in it is answered with the file, the key, what is allowed and what to do.
Sections named by a stage's word (`prompting:`, `tuning:` …) are settings of that stage; its own `Config` checks them.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import regex
import yaml
from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from . import contract_yaml
from .digest import Frozen
from .errors import BadInput
from .made_rows import Labelling, Synthetic

STAGES = (
    "use_case", "selection", "prompting", "retrieval", "tuning", "feedback", "evaluation", "optimization", "deployment",
)  # fmt: skip
_NAME = regex.compile(r"[\p{L}\p{N}_](?:[\p{L}\p{M}\p{N}_ .-]*[\p{L}\p{M}\p{N}_])?")


class Task(Frozen):
    """What the application does, in the words that prompts are made of.

    Keys beyond these fields are the kind's own, kept as they were written: `components/tasks` says which there are.
    """

    model_config = ConfigDict(extra="allow")

    kind: str
    """The name of a file in `components/tasks/`."""
    instruction: str
    """One imperative sentence: what to do with the input."""
    persona: str = ""
    """Who answers, in prompts: `a patient clerk`."""
    tone: str = ""
    """How the answer sounds, in prompts."""
    format: str = ""
    """How the answer must look."""
    language: str = "en"
    """Of inputs and answers, by its BCP 47 tag: words, stems and checks follow it."""

    @property
    def own(self) -> dict[str, Any]:
        """The kind's own keys."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def labels(self) -> tuple[str, ...]:
        """The allowed answers, where the kind has a closed set of them."""
        return tuple(self.own.get("labels", ()))

    @property
    def abstain(self) -> str | None:
        """What to say when there is no answer, where the kind knows such a word."""
        return self.own.get("abstain")

    @property
    def given(self) -> bool:
        """Whether each question comes with the text that it is about (components/text/given.py)."""
        return self.own.get("context") == "given"

    @property
    def quoted(self) -> bool:
        """Whether answers are words of the retrieved context, or the abstention, and nothing else."""
        return self.own.get("answers") == "quoted"


class Source(Frozen):
    """Rows or passages: a file, a folder, a table of a database, or what is fetched. `path` is relative to the use case's
    file, absolute, `asset:<asset>/<path>`, an address (`https://…`, `s3://…`, `gs://…`), or a table's SQLAlchemy URL."""

    name: str
    """What cards, lineage and row ids call it."""
    role: Literal["examples", "knowledge", "examples_and_knowledge", "practice", "unlabelled"]
    """practice: questions with passages that only tuning reads, before the examples; in no split and no knowledge base.
    unlabelled: texts, or whole documents, for training only: `data.labelling` labels them, or, without it, the tuned model
    does (`tuning.pseudo_labels`), or `tuning.pretraining` goes on with pre-training on them."""
    path: str = Field(min_length=1)
    format: str | None = None
    """A file of `components/data/readers`; by each file's name where not given. With it, a folder's files of other formats
    are left alone."""
    table: str | None = None
    """Of `format: table` and of a `.duckdb` file: its name, or `<schema>.<name>`."""
    fields: dict[str, str] = {}
    """Our name → the file's: question|text|document, answer|label|summary, passage, title, or the kind's own words."""
    templates: dict[str, str] = {}
    """Our name → a text of several fields, for logs and sensors: `"Sensor {{sensor}} at {{time}}: {{value}}"`. A row that
    lacks one is set aside."""
    values: dict[str, str] = {}
    """The file's answers or labels → ours (`"1": positive`); of conversations the names of those who speak → user, assistant
    or system (`Caller: user`), in rows of turns and in transcripts, where each turn is a line that begins with its name."""
    replies: Literal["last", "each"] = Field("last", exclude_if=lambda replies: replies == "last")
    """Of conversations: which turns of the assistant are answers, each a row with all that was said before it."""
    licence: str
    """SPDX identifier of this set, not of the package that carries it."""
    origin: str
    """Where it comes from: a paper, a page, a department."""
    synthetic: bool = False
    """Its rows were made, not collected: they are for training only, and kept only where validation shows a gain."""

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if len(name.encode(errors="replace")) > 100 or not _NAME.fullmatch(name):
            raise ValueError(
                "use letters, digits, `_`, `-`, `.` and spaces, begin and end with a letter, digit or `_`, and take at most "
                "100 bytes: folders and pages are named by it"
            )
        return name

    @model_validator(mode="after")
    def _named_once(self) -> "Source":
        if twice := sorted(self.fields.keys() & self.templates.keys()):
            raise ValueError(f"templates: '{twice[0]}' stands under fields too; give one of them")
        return self

    @model_validator(mode="after")
    def _table_is_named(self) -> "Source":
        holds_tables = self.format in ("table", "duckdb") or (self.format is None and self.path.endswith(".duckdb"))
        if holds_tables != (self.table is not None):
            raise ValueError("table: `format: table` and DuckDB files need the table's name, other formats none")
        return self


class Splits(Frozen):
    """How many example rows each split gets, and what must not be shared between two of them."""

    train: int = Field(ge=0)
    """Rows that are learned from, and shown as solved cases in prompts."""
    feedback: int = Field(0, ge=0)
    """Rows that the simulated caller asks."""
    validation: int = Field(ge=1)
    """Rows that every choice is made on."""
    test: int = Field(ge=1)
    """Rows that measure and never choose."""
    by: Literal["passage", "row"] = "row"
    """`passage`: all questions about one passage go to one split."""
    seed: int = 0
    """Of the draw."""


class Normalise(Frozen):
    """How the texts that training and retrieval read are rewritten. Evaluation rows never are."""

    unicode: Literal["keep", "nfc", "nfkc"] = "keep"
    case: Literal["keep", "lower"] = "keep"
    whitespace: Literal["keep", "collapse"] = "keep"
    """collapse: one space between words, one empty line between paragraphs."""
    stop_words: Literal["keep", "drop"] = "keep"
    """drop: without the words that the task's language uses most."""


class Duplicates(Frozen):
    """What counts as said twice. Texts of equal words are always kept once."""

    documents: Literal["equal", "near"] = "equal"
    """near: also those whose sets of five-word runs reach `similarity` (Jaccard)."""
    similarity: float = Field(0.8, ge=0.5, le=1)
    """For `documents: near`."""
    sentences: int | None = Field(None, ge=2)
    """A sentence that stands in so many documents is cut from all but the first."""
    spans: int | None = Field(None, ge=10)
    """A run of so many tokens that stood before is cut."""


class Data(Frozen):
    """Where rows and passages come from, and what is done to them before anything reads them."""

    sources: tuple[Source, ...] = Field(min_length=1)
    """Files, folders and tables, each with its licence and origin."""
    splits: Splits
    normalise: Normalise = Normalise()
    filters: tuple[dict[str, object], ...] = ()
    """In this order: `{name: <a file of components/data/filters>, <its settings>}`."""
    duplicates: Duplicates = Duplicates()
    minimum_rows: int = Field(100, ge=1)
    """Fewer usable example rows than this: not feasible."""
    quarantine_at_most: float = Field(0.05, ge=0, le=1)
    """Share of bad rows that may be set aside before the gate stops the run."""
    labelling: Labelling | None = None
    """Rules that label texts; none where not given."""
    synthetic: Synthetic | None = None
    """Rows made from training passages; none where not given."""

    @property
    def has_made_rows(self) -> bool:
        """Whether rows that nobody collected are asked for; tuning then trains without and with them."""
        return bool(self.labelling or self.synthetic or any(source.synthetic for source in self.sources))


class Metrics(Frozen):
    """What counts as better, and how much better is worth a change."""

    primary: str
    """The figure that decides: a metric of the kind of task."""
    at_least: float = Field(ge=0, le=1)
    """Release threshold on the primary metric."""
    enough: float = Field(1.0, ge=0, le=1)
    """The ladder stops at the cheapest rung that surely reaches this on validation: all of its interval does."""
    minimum_effect: float = Field(0.0, ge=0, le=1)
    """Smallest gain of the primary metric, in absolute points, that is worth a change."""
    floors: dict[str, float] = {}
    """Other metrics that a release must reach."""
    slices_worse_at_most: dict[str, Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]] = {}
    """Slice → by how many absolute points a release may be worse on each of its values than the best reference that reads
    its input; a slice that is not named is measured and shown, and stops nothing."""


class Limits(Frozen):
    """Upper bounds for a released Candidate, on this profile's machine."""

    latency_p95_seconds: float = Field(gt=0)
    """Of single requests; nineteen of twenty are faster."""
    memory_gb: float = Field(gt=0)
    """Peak of the fresh process that answers."""
    cost_per_1000_answers: float = Field(gt=0)
    """In `value.currency`; machine time at `value.machine_hour`, a hosted model's tokens at `value.million_tokens`."""


class TokenPrices(Frozen):
    """What a hosted model's tokens cost, a million of each."""

    input: float = Field(ge=0)
    """What it is asked."""
    output: float = Field(ge=0)
    """What it answers."""


class Prices(Frozen):
    """What answers cost, all in one currency."""

    machine_hour: float
    million_tokens: TokenPrices | None = None


class Value(Frozen):
    """Expected business value, as a formula with its inputs: volume × (primary × saving − cost of an answer)."""

    answers_per_month: float = Field(gt=0)
    """The volume."""
    saving_per_good_answer: float
    """In `currency`."""
    machine_hour: float = Field(gt=0)
    """Price of an hour of this machine."""
    million_tokens: TokenPrices | None = None
    """Price of a hosted model's tokens (engine `openai`); none: its seconds cost what this machine's do."""
    currency: str = "EUR"

    @property
    def prices(self) -> Prices:
        """What its answers cost."""
        return Prices(machine_hour=self.machine_hour, million_tokens=self.million_tokens)


class Policy(Frozen):
    """Licence, privacy and bias rules."""

    use: Literal["research", "production"] = "production"
    """What the release is for; a model or data set for research alone is refused in production."""
    licences: tuple[str, ...] = ("apache-2.0", "mit", "bsd-3-clause")
    """SPDX identifiers (lower case) of models that may be used."""
    hosted_models: bool = False
    """Whether inputs may leave this machine."""
    pii: Literal["scrub", "refuse"] = "scrub"
    """Personal data in what callers said: replaced, or the pair is left out."""
    contamination_at_most: float = Field(0.01, ge=0, le=1)
    """Share of evaluation rows that may stay under suspicion after leaks were removed; more stops the run."""
    bias_at_most: dict[str, Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]] = {}
    """Bias, forgetting or safety figure → the largest worsening allowed between the base model and the release."""
    failing_at_most: dict[str, Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]] = {}
    """Safety check → the largest share of its items that a release may fail, whatever the base model does."""
    not_shown: Literal["allow", "refuse"] = "allow"
    """Whether a release may go out whose figure lies within a bound (of these two, or of `metrics.floors`) and its interval
    does not. Where the risk tier is high, `refuse` unless the contract says so. What was not measured is always refused."""


class Deployment(Frozen):
    """How and where a release is registered and run."""

    model_name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """In the registry; the use case's own name where not given."""
    port: int = Field(8000, ge=1, le=65535)
    """Of its endpoint on loopback."""
    targets: tuple[str, ...] = ()
    """Where a release goes, by the words of the deployment stage's targets; its default where none is named."""

    @model_validator(mode="before")
    @classmethod
    def _old_word_names_the_new(cls, given: object) -> object:
        if isinstance(given, dict) and "docker" in given:
            wanted = "[endpoint, docker]" if given["docker"] else "[endpoint]"
            raise ValueError(f"'docker' is now one of 'targets': write `targets: {wanted}`")
        return given


class DataStatement(Frozen):
    """What only people know about the data, for the card's data statement (Bender and Friedman 2018)."""

    language_variety: str = ""
    speakers: str = ""
    annotators: str = ""
    situation: str = ""
    """When, where and for whom the texts were said or written."""
    other: str = ""


class ApprovalRules(Frozen):
    """Who may let a release become champion. Where nobody is named, whoever runs the command may."""

    roles: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
    """Role → the identities that have it."""
    needs: tuple[str, ...] = ()
    """Roles of which each must approve, each by another person; any one role where empty."""
    expires_days: int = Field(90, ge=1)
    """An older approval lets no version become champion; one that is champion by then stays so."""

    @model_validator(mode="after")
    def _needs_are_roles(self) -> "ApprovalRules":
        if unknown := sorted(set(self.needs) - set(self.roles)):
            raise ValueError(
                f"needs: {', '.join(unknown)} is no role here; roles: {', '.join(sorted(self.roles)) or 'none'}"
            )
        return self


class UseCase(Frozen):
    """The contract (see the module docstring)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Names the run, the card and the registered model: small letters, digits and `_`."""
    problem: str
    """What is wrong today, in a sentence; the card begins with it."""
    owner: str
    """Who answers for the use case."""
    skills: tuple[str, ...] = ()
    """Skills that the work needs; each must be named in `skills_available`."""
    skills_available: tuple[str, ...] = ()
    """Skills that the team has."""
    risk_tier: Literal["low", "medium", "high"] = "medium"
    """low: a release that passes every gate becomes champion by policy; medium: a person approves it; high: two do."""
    approvals: ApprovalRules = ApprovalRules()
    task: Task
    data: Data
    metrics: Metrics
    limits: Limits
    value: Value
    policy: Policy = Policy()
    deployment: Deployment
    intended_use: str = ""
    """What a reader of the card may use it for."""
    out_of_scope: tuple[str, ...] = ()
    """What it must not be used for."""
    data_statement: DataStatement = DataStatement()
    slices: tuple[str, ...] = ()
    """Of those that the kind of task has."""
    ladder: dict[str, object] = {}
    selection: dict[str, object] = {}
    prompting: dict[str, object] = {}
    retrieval: dict[str, object] = {}
    tuning: dict[str, object] = {}
    feedback: dict[str, object] = {}
    evaluation: dict[str, object] = {}
    optimization: dict[str, object] = {}

    @model_validator(mode="after")
    def _margins_are_of_slices(self) -> "UseCase":
        unknown = sorted(self.metrics.slices_worse_at_most.keys() - set(self.slices))
        if unknown:
            known = ", ".join(self.slices) or "none; name some under 'slices'"
            raise ValueError(f"metrics.slices_worse_at_most: {', '.join(unknown)} is no slice of this use case ({known})")
        return self

    @model_validator(mode="after")
    def _enough_people_may_approve(self) -> "UseCase":
        named = [name for names in self.approvals.roles.values() for name in names]
        people = {unicodedata.normalize("NFKC", name).strip().casefold() for name in named}
        wanted = max(2 if self.risk_tier == "high" else 1, len(self.approvals.needs))
        if people and len(people) < wanted:
            raise ValueError(f"approvals.roles: {wanted} different people must approve, and only {len(people)} is named")
        return self

    @model_validator(mode="before")
    @classmethod
    def _high_risk_refuses_what_is_not_shown(cls, given: object) -> object:
        if not isinstance(given, dict) or given.get("risk_tier") != "high":
            return given
        policy = given.get("policy", {})
        if isinstance(policy, Policy):
            policy = policy.model_dump(exclude_unset=True)
        if not isinstance(policy, dict):
            return given
        return {**given, "policy": {"not_shown": "refuse", **policy}}

    @model_validator(mode="before")
    @classmethod
    def _model_named_like_the_use_case(cls, given: object) -> object:
        if not isinstance(given, dict) or not isinstance(given.get("deployment", {}), dict):
            return given
        return {**given, "deployment": {"model_name": given.get("name"), **given.get("deployment", {})}}


class Machine(Frozen):
    """Where it runs. Never part of a step's key: it changes speed, not meaning."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = Field(2, ge=1)
    memory_gb: float = Field(8, gt=0)
    """The process tree must stay below this."""


class Profile(Frozen):
    """Where and how big; never what. A section named by a stage's word overrides that stage's defaults."""

    name: str
    """What runs and cards call it."""
    machine: Machine = Machine()
    cards: Literal["project", "workspace"] = "project"
    """Where model cards are written: `model_cards/` beside the use case (the project's own for those that it ships), or the
    workspace (profiles that only try things out)."""
    seconds: dict[str, float] = {}
    """Stage → seconds, where they are known: in place of the estimate until this machine has figures of its own."""
    data: dict[str, object] = {}
    ladder: dict[str, object] = {}
    selection: dict[str, object] = {}
    prompting: dict[str, object] = {}
    retrieval: dict[str, object] = {}
    tuning: dict[str, object] = {}
    feedback: dict[str, object] = {}
    evaluation: dict[str, object] = {}
    optimization: dict[str, object] = {}
    deployment: dict[str, object] = {}


Model = TypeVar("Model", bound=Frozen)


def read_yaml(path: Path, kind: type[Model]) -> Model:
    """Read `path` as `kind`; raises BadInput with the file, the key, what is allowed and what to do."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file. Give the path of a YAML file")
    try:
        content = contract_yaml.load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise BadInput(f"{path}: expected keys and values at the top, found {type(content).__name__}")
    try:
        json.dumps(content, default=str, skipkeys=True, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = repr(error.object[error.start])
        raise BadInput(
            f"{path}: holds {half}, half of a character, which no file can; write the character itself"
        ) from error
    return parse(kind, content, str(path))


def parse(
    kind: type[Model], content: Mapping[str, object], where: str, under: str = "", beside: Sequence[str] = ()
) -> Model:
    """Check `content` against `kind`; `where` (file, section) starts each line of the message.

    under: the key that holds `content`, with a dot behind it; beside: keys that are allowed there too, and not in `content`
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        errors = error.errors()  # a list with a wrong item counts as short of it: the item says enough
        shown = [item for item in errors if item["type"] != "too_short" or not _inside(item["loc"], errors)]
        raise BadInput("\n".join(_explain(kind, where, item, under, beside) for item in shown)) from error


def _inside(loc: tuple[int | str, ...], errors: Sequence[ErrorDetails]) -> bool:
    """Whether one of the errors is further inside than `loc`."""
    return any(item["loc"][: len(loc)] == loc and len(item["loc"]) > len(loc) for item in errors)


def stage_config(kind: type[Model], word: str, use_case: UseCase, profile: Profile) -> Model:
    """The settings of one stage: its defaults, then the profile's section, then the contract's (`data` and `deployment` are
    parts of the contract itself, so only a profile sizes them)."""
    own = getattr(use_case, word, {})
    given = {**getattr(profile, word, {}), **(own if isinstance(own, dict) else {})}
    return parse(kind, given, f"section '{word}' of use case '{use_case.name}' and profile '{profile.name}'")


def _explain(kind: type[Frozen], where: str, item: ErrorDetails, under: str, beside: Sequence[str]) -> str:
    if not item["loc"]:  # a rule over the whole file: it names its keys, and repeating the file helps nobody
        return f"{where}: {item['msg'].removeprefix('Value error, ')}"
    key = under + ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        owner = _owner(kind, item["loc"][:-1])
        more = beside if len(item["loc"]) == 1 else ()
        own = (field.alias or name for name, field in owner.model_fields.items()) if owner else ()
        allowed = f"; allowed here: {', '.join(sorted({*own, *more}))}" if owner else ""
        return f"{where}: key '{key}' is not known{allowed}"
    if item["type"] == "missing":
        return f"{where}: key '{key}' is required; add it"
    quoted = _as_text(item["input"]) if item["type"] == "string_type" else ""
    return f"{where}: key '{key}': {item['msg'].removeprefix('Value error, ')} (found {item['input']!r}){quoted}"


def _as_text(value: object) -> str:
    """What to write in YAML where text is wanted and a word or a number stands there."""
    if not isinstance(value, (bool, int, float)):
        return ""
    written = str(value).lower() if isinstance(value, bool) else str(value)
    return f'; in quotes it is text: "{written}"'


def _owner(kind: type[Frozen], loc: tuple[int | str, ...]) -> type[Frozen] | None:
    for part in loc:
        if isinstance(part, int):
            continue
        field = kind.model_fields.get(part)
        inner = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        models = [item for item in inner if isinstance(item, type) and issubclass(item, Frozen)]
        if not models:
            return None
        kind = models[0]
    return kind
