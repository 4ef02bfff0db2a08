"""Whether a summary says what its document is about: how much of the document each of its words runs through.

What many sentences of a text share is what it is about (Luhn 1958, doi:10.1147/rd.22.0159; Nenkova and Vanderwende 2005 on
frequency in people's summaries); words have canonical forms, stop words play no part (paraphrase.py). Relevance as SummEval
has it (Fabbri et al. 2021, arXiv:2007.12626): that a summary selects what matters.

Measured on XSum, n = 400, share of pairs (original, with the fault) that it orders rightly, ties half: a person's summary
against that of another text 0.99, with two sentences of another text behind it 0.99; the first three sentences, two of them
of another text instead 0.99; the first three against the last three 0.75, the first against the last 0.64.

A person's free words run through less of the document than words copied from it do: a sentence of the text's second half is
above the summary in 0.68 of pairs. So it compares answers of one kind. Not covered: what a summary leaves out.
"""

from components.text import sentences
from components.text.paraphrase import stems


def salience(summary: str, document: str) -> float | None:
    """Mean over the content words of `summary` of the share of the document's sentences that hold it, in [0, 1]; None where
    either has no content word."""
    content = set(stems(summary))
    read = [words for sentence in sentences(document) if (words := set(stems(sentence)))]
    if not content or not read:
        return None
    return sum(sum(word in words for words in read) / len(read) for word in content) / len(content)
