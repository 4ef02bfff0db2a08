"""Chain of thought: reason first, then answer (Kojima et al. 2022, zero-shot, two stages). Two calls."""

from components.core import Prompt

from ..elements import Elements, Example


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """One turn that thinks step by step, one that answers from the reasoning; `examples` are not used."""
    thinking = elements.turn(
        elements.task, elements.context, elements.input, "Let's think step by step.", tokens=elements.thinking_tokens
    )
    answer = elements.turn(
        elements.instruction,
        f"{elements.context}\n{elements.input}".strip(),
        "Reasoning: {{previous}}",
        elements.output_indicator,
    )
    return elements.prompt("chain_of_thought", thinking, answer)
