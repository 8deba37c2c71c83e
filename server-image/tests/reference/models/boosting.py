"""Exports of XGBoost, LightGBM and CatBoost."""

import tempfile
from pathlib import Path

import lightgbm
import numpy
import xgboost
from catboost import CatBoostClassifier, CatBoostRegressor
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from .case import Case, rows_of


def cases():
    for name, load in [("two classes", load_breast_cancer), ("three classes", load_iris), ("regression", load_diabetes)]:
        features, target = load(return_X_y=True)
        features = features.astype(numpy.float32)
        types = [("features", FloatTensorType([None, features.shape[1]]))]
        regression = name == "regression"

        xgb = (xgboost.XGBRegressor if regression else xgboost.XGBClassifier)(n_estimators=20, random_state=0)
        model = convert_xgboost(xgb.fit(features, target), initial_types=types)
        yield Case(f"XGBoost {name}", model.SerializeToString(), rows_of("features", features))

        lgbm = (lightgbm.LGBMRegressor if regression else lightgbm.LGBMClassifier)(n_estimators=20, random_state=0, verbose=-1)
        model = convert_lightgbm(lgbm.fit(features, target), initial_types=types)
        yield Case(f"LightGBM {name}", model.SerializeToString(), rows_of("features", features))

        catboost = CatBoostRegressor if regression else CatBoostClassifier
        catboost = catboost(iterations=20, random_seed=0, verbose=False, allow_writing_files=False, thread_count=1)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            catboost.fit(features, target).save_model(str(path), format="onnx")
            yield Case(f"CatBoost {name}", path.read_bytes(), rows_of("features", features))
