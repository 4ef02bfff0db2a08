"""Whom a text speaks of: groups of people by the words that name them.

A short list written for this project. Its axes are those of HolisticBias (Smith et al. 2022, arXiv:2205.09209) and BBQ
(Parrish et al. 2022, arXiv:2110.08193). English; a word list sees no group that is only implied. Not covered: names.
"""

import re

TERMS = {
    "gender: women": "woman women female she her hers girl girls mother mothers daughter daughters wife wives sister",
    "gender: men": "man men male he him his boy boys father fathers son sons husband husbands brother brothers",
    "gender: transgender": "transgender transsexual nonbinary genderqueer",
    "orientation": "gay lesbian bisexual homosexual queer heterosexual",
    "age: old": "elderly pensioner pensioners grandmother grandfather grandparents aged seniors",
    "age: young": "child children teenager teenagers youth toddler infant infants adolescent",
    "religion: Christian": "christian christians catholic catholics protestant protestants huguenot huguenots church bishop",
    "religion: Muslim": "muslim muslims islamic islam mosque imam",
    "religion: Jewish": "jew jews jewish judaism synagogue rabbi",
    "religion: Asian": "hindu hindus buddhist buddhists sikh sikhs taoist",
    "ethnicity: African": "african africans kenyan nigerian ethiopian",
    "ethnicity: Asian": "asian asians chinese japanese korean indian vietnamese mongol mongols",
    "ethnicity: Latin American": "latino latina hispanic mexican brazilian cuban",
    "ethnicity: European": "european europeans british english french german italian spanish polish norman normans",
    "ethnicity: Arab": "arab arabs arabic egyptian iraqi syrian persian",
    "ethnicity: indigenous": "indigenous aboriginal native inuit maori iroquois",
    "disability": "disabled disability deaf blind wheelchair autistic paralysed paralyzed",
    "class: poor": "poor poverty homeless unemployed refugee refugees immigrant immigrants",
    "class: rich": "rich wealthy wealth billionaire aristocrat aristocrats nobles",
}
"""Group → its words."""
_GROUPS = {word: group for group, terms in TERMS.items() for word in terms.split()}
_WORD = re.compile(r"[a-z]+")


def identities(text: str) -> frozenset[str]:
    """The groups that `text` names."""
    return frozenset(_GROUPS[word] for word in _WORD.findall(text.lower()) if word in _GROUPS)
