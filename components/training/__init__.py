"""Training, as tuning, alignment and recovery share it: a recipe, a technique and an objective in, a folder of weights out.

`objectives.objective(name).train` trains; this face names what can be said about a training without torch.
"""

from .divergence import Diverged
from .objectives import OBJECTIVES, PREFERENCES
from .recipe import Recipe, Schedule, Trained
from .result import labelling, tuned
from .techniques import LABEL_HEAD, TECHNIQUES, settings, technique
from .trials import Trial, TrialRow, trial_rows

__all__ = [
    "LABEL_HEAD", "OBJECTIVES", "PREFERENCES", "TECHNIQUES", "Diverged", "Recipe", "Schedule", "Trained", "Trial",
    "TrialRow", "labelling", "settings", "technique", "trial_rows", "tuned",
]  # fmt: skip
