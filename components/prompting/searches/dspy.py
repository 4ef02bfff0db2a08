"""DSPy's MIPROv2 (Opsahl-Ong et al. 2024, arXiv:2406.11695): sets of demonstrations by bootstrapping, then Optuna's TPE over
the pairs of a set and a wording.

Only its choices are DSPy's. An adapter of our own answers in place of a language model: a program of DSPy is a draft, which
the application answers with, so that what is judged is what would be served. For the same reason the wordings come from the
list: where DSPy asks its prompt model for an instruction, the adapter says the next one, and asks a model only for as many
as `writer` is to write. DSPy's wordings are numbers of that list, since it cuts what it takes for a prefix ("Note: …").
litellm is never loaded, no telemetry is sent, and DSPy's cache, which pickles, is off. Not covered: minibatches (each trial
reads all rows), DSPy's own summaries of the data for a writer.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

from components.core import Frozen, Step

from ..drafts import Draft
from ..space import SOLVED, Space, Writer

if TYPE_CHECKING:
    import dspy

PACKAGES = ("dspy", "optuna")
WRITES = True
SETS = 4
"""Sets of demonstrations: the draft's own, one by chance, others of those that the model solves, filled up by chance. Where
the calls allow more trials, 2 sets to 3 trials, as MIPROv2 advises."""
SEEN = 3
"""Demonstrations that a writer is shown for each wording."""
WRITTEN_TOKENS = 200
ALL = ""
"""Stands for all rows that judge: one example of DSPy, since a draft is measured on all of them."""
PROPOSED = "proposed_instruction"
"""DSPy's word for what its prompt model writes."""


class Wording(Frozen):
    """What a writer said; sealed, so that a resumed search goes on with the same words."""

    said: str


def search(space: Space) -> Draft:
    """See searches/__init__.py. `space.budget` must allow the bootstrapping and two trials.

    Raises what the application or the writer raises.
    """
    import dspy

    # the cache would keep what pickle wrote; nothing asks it here, since no language model of DSPy is called
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)
    logging.getLogger("dspy").setLevel(logging.ERROR)
    adapter = _adapter(space)
    never = dspy.BaseLM("none")
    listed = len(space.wordings)
    asked = listed + (space.writer.wordings if space.writer else 0)
    trials = _trials(space)
    optimizer = dspy.MIPROv2(
        metric=lambda example, prediction, trace=None: prediction.worth,
        prompt_model=never,
        task_model=never,
        auto=None,
        num_candidates=max(SETS, asked, 2 * trials // 3),
        max_bootstrapped_demos=space.shots,
        max_labeled_demos=space.shots,
        metric_threshold=SOLVED,
        num_threads=1,  # the calling thread: others have other numbers of threads in torch
        max_errors=1,
        seed=space.seed + 1,
    )
    optimizer.num_instruct_candidates = asked
    program = dspy.Predict("row -> worth: float")
    program.signature = program.signature.with_instructions("0")
    shown = [dspy.Example(row=row).with_inputs("row") for row in space.demonstrations]
    with dspy.context(adapter=adapter, lm=never), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        # demonstrations are bootstrapped by a program that shows none: all of them can then be asked at once
        bare = dspy.BootstrapFewShot(max_bootstrapped_demos=0, max_labeled_demos=0)
        found = optimizer.compile(
            program,
            teacher=bare.compile(program, trainset=shown),
            trainset=shown,
            valset=[dspy.Example(row=ALL).with_inputs("row")],
            num_trials=trials,
            minibatch=False,
            program_aware_proposer=False,
            data_aware_proposer=False,
        )
    if adapter.failed:  # DSPy takes a failed measurement for a figure of 0 and goes on
        raise adapter.failed
    if space.writer:
        space.notes.append(f"{space.writer.model} wrote {len(space.wordings) - listed} usable wordings of {asked - listed}")
    return adapter.draft(found.signature, found.demos)


def _trials(space: Space) -> int:
    """Trials that the budget allows: demonstrations are asked once, the draft at hand and each trial all rows."""
    bootstrapping = len(space.demonstrations) * space.dearest if space.shots else 0
    return (space.budget - bootstrapping) // (space.rows.count * space.dearest) - 1


def _adapter(space: Space) -> "dspy.Adapter":
    """What DSPy renders prompts with: here, what answers."""
    import dspy

    class Answers(dspy.ChatAdapter):
        """`failed`: the first error, which is raised at each later question too."""

        failed: Exception | None = None
        proposed = 0

        def __call__(
            self,
            lm: object,
            lm_kwargs: Mapping[str, object],
            signature: "type[dspy.Signature]",
            demos: Sequence[Mapping[str, str]],
            inputs: Mapping[str, str],
        ) -> list[dict[str, object]]:
            if self.failed:
                raise self.failed
            try:
                if PROPOSED in signature.output_fields:
                    return [{PROPOSED: str(self._wording(signature, inputs))}]
                return [{"worth": self._worth(self.draft(signature, demos), inputs["row"])}]
            except Exception as error:
                self.failed = error
                raise

        def draft(self, signature: "type[dspy.Signature]", demos: Sequence[Mapping[str, str]]) -> Draft:
            """The draft that a program of DSPy stands for."""
            return space.built(int(signature.instructions), [demo["row"] for demo in demos])

        def _worth(self, draft: Draft, row: str) -> float:
            if row == ALL:
                return space.worth(draft)
            return float(bool(space.shots) and space.solves(draft, row))

        def _wording(self, signature: "type[dspy.Signature]", inputs: Mapping[str, str]) -> int:
            """The number of the next wording of the list, or of one that is written for it; of the draft's own where what
            was written is of no use."""
            number, self.proposed = self.proposed, self.proposed + 1
            if number < listed or not space.writer:
                return min(number, listed - 1)
            examples = list(space.demonstrations.values()) * 2
            first = SEEN * number % len(space.demonstrations)
            seen = [f"Input: {one.input}\nOutput: {one.output}" for one in examples[first : first + SEEN]]
            asked = {**inputs, "task_demos": "\n\n".join(seen), "basic_instruction": space.wordings[0]}
            said = _written(self.format(signature, [], asked), space.writer, space)
            try:
                wording = str(self.parse(signature, said)[PROPOSED]).strip()
            except dspy.utils.exceptions.AdapterParseError:
                return 0
            if not wording or "{{" in wording or wording in space.wordings:  # braces would be filled in
                return 0
            space.wordings.append(wording)
            return len(space.wordings) - 1

    listed = len(space.wordings)
    return Answers()


def _written(messages: list[dict[str, str]], writer: Writer, space: Space) -> str:
    """What the writer says to `messages`, asked once for ever."""
    from components.application.engines.openai import Endpoint

    def ask(_: Step) -> Wording:
        endpoint = Endpoint(writer.url, writer.model)
        try:
            return Wording(said=endpoint.generate([messages], WRITTEN_TOKENS)[0])
        finally:
            endpoint.close()

    inputs = [writer.url, writer.model, messages]
    return space.step.memo("wording", Wording, inputs, ask, code=("components.application.engines.openai",)).said
