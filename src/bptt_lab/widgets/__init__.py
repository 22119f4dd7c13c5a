"""Interactive lectures: every number is computed here by the core, JavaScript looks up and draws.

Each function returns a `LectureWidget`. Moving a control never asks the kernel, so the picture
follows the hand at the screen's own pace, also while the kernel is busy or gone.
"""

from .explorer import truncation_explorer
from .lecture import LectureWidget

__all__ = [
    "LectureWidget",
    "truncation_explorer",
]
