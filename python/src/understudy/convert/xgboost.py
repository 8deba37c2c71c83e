"""XGBoost's boosters. Its models with scikit-learn's interface are converted as those of scikit-learn."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.errors import NotConvertible

if TYPE_CHECKING:
    from understudy.convert.converted import Converted
    from understudy.table import Inputs

REGRESSIONS = ("reg:", "count:poisson")


def recognises(model: object) -> bool:
    """Whether it is a booster of XGBoost."""
    return type(model).__module__.partition(".")[0] == "xgboost" and type(model).__name__ == "Booster"


def convert(model: Any, inputs: Inputs) -> Converted:
    """The booster as ONNX. It is the classifier, or the regressor, that has this booster."""
    import xgboost

    from understudy.convert import scikit_learn

    objective = json.loads(model.save_config())["learner"]["objective"]["name"]
    kind: Any
    if objective in ("binary:logistic", "multi:softprob"):
        kind = xgboost.XGBClassifier()
    elif objective.startswith(REGRESSIONS):
        kind = xgboost.XGBRegressor()
    else:
        raise NotConvertible(
            f"an XGBoost booster with the objective {objective} is not converted: use binary:logistic, multi:softprob, reg:... or "
            "count:poisson, or serve it with spec.runtime"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "booster.ubj"
        model.save_model(str(path))
        kind.load_model(str(path))
    return scikit_learn.convert(kind, inputs)
