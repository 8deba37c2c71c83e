"""The quality of a model on rows that it was not trained on, with intervals."""

from understudy.evaluate.figures import Evaluation, Figure, Group, evaluate

__all__ = ["Evaluation", "Figure", "Group", "evaluate"]
