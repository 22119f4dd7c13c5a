"""Interactive lectures: every number is computed here by the core, JavaScript looks up and draws.

Each function returns a `LectureWidget`. Moving a control never asks the kernel, so the picture
follows the hand at the screen's own pace, also while the kernel is busy or gone.
"""

from .explorer import truncation_explorer
from .lecture import LectureWidget
from .logits import softmax_minus_target
from .microscope import gradient_check_microscope
from .summation import sum_over_time
from .vanishing import vanishing

__all__ = [
    "LectureWidget",
    "gradient_check_microscope",
    "softmax_minus_target",
    "sum_over_time",
    "truncation_explorer",
    "vanishing",
]
