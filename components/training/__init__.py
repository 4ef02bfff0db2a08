"""Training, as tuning, alignment and recovery share it: a recipe, a technique and an objective in, a folder of weights out.

`objectives.objective(name).train` trains; this face names what can be said about a training without torch.
"""

from .divergence import Diverged
from .joined import Joined, JoinedRow, Taught, joined_rows
from .objectives import DOCUMENTS, OBJECTIVES, PREFERENCES
from .pretrained import Pretrained, PretrainedRow, Texts, pretrained_rows
from .recipe import Recipe, Schedule, Trained
from .result import labelling, tuned
from .techniques import LABEL_HEAD, TECHNIQUES, settings, technique
from .trials import Trial, TrialRow, trial_rows

__all__ = [
    "DOCUMENTS", "LABEL_HEAD", "OBJECTIVES", "PREFERENCES", "TECHNIQUES", "Diverged", "Joined", "JoinedRow", "Pretrained",
    "PretrainedRow", "Recipe", "Schedule", "Taught", "Texts", "Trained", "Trial", "TrialRow", "joined_rows", "labelling",
    "pretrained_rows", "settings", "technique", "trial_rows", "tuned",
]  # fmt: skip
