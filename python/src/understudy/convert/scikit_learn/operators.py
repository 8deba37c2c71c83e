"""Conversions that skl2onnx lacks, or does with less than the precision of the original."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from understudy.convert.scikit_learn import thresholds
from understudy.convert.scikit_learn.prepare import parts

Convert = Callable[[Any, Any, Any], None]
Shape = Callable[[Any], None]

SINGLE = {
    "AdaBoostClassifier", "AdaBoostRegressor", "DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier",
    "ExtraTreeRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor", "GradientBoostingClassifier", "GradientBoostingRegressor",
    "IsolationForest", "NuSVC", "NuSVR", "OneClassSVM", "RandomForestClassifier", "RandomForestRegressor", "SVC", "SVR", "XGBClassifier",
    "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor",
}  # fmt: skip
"""Trees that compare in 32 bits, whatever they are given, and operators that ONNX Runtime has with 32 bits only."""
DOUBLE = {"HistGradientBoostingClassifier", "HistGradientBoostingRegressor", "LGBMClassifier", "LGBMRegressor"}
"""Trees that compare in 64 bits."""
ROUNDED = {name for name in SINGLE if "Tree" in name or "Forest" in name or name.startswith("GradientBoosting")} - {
    "IsolationForest"
}
"""Trees that compare numbers of 32 bits with thresholds of 64."""


def custom(model: Any) -> tuple[dict[type, Convert], dict[type, Shape]]:
    """The conversions, and the shapes of their results, for the types that are in this model."""
    register(model)
    functions: dict[type, Convert] = {}
    shapes: dict[type, Shape] = {}
    for part in parts(model):
        kind = type(part)
        if kind.__name__ in SINGLE | DOUBLE:
            functions[kind], shapes[kind] = _narrow, _shape_of_narrow
        elif kind.__name__ == "StandardScaler":
            functions[kind], shapes[kind] = _scale, _shape_of_narrow
        elif kind.__name__ == "SimpleImputer":
            functions[kind], shapes[kind] = _impute, _shape_of_imputer
    return functions, shapes


def register(model: Any) -> None:
    """Makes the converters of other packages known to skl2onnx."""
    packages = {type(part).__module__.partition(".")[0] for part in parts(model)}
    if not packages & {"xgboost", "lightgbm"}:
        return
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes

    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    if "xgboost" in packages:
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
        from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

        for kind in (XGBClassifier, XGBRFClassifier):
            shape = calculate_linear_classifier_output_shapes
            update_registered_converter(kind, f"Xgboost{kind.__name__}", shape, convert_xgboost, options=options)
        for kind in (XGBRegressor, XGBRFRegressor):
            shape = calculate_linear_regressor_output_shapes
            update_registered_converter(kind, f"Xgboost{kind.__name__}", shape, convert_xgboost)
    if "lightgbm" in packages:
        from lightgbm import LGBMClassifier, LGBMRegressor
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

        shape = calculate_linear_classifier_output_shapes
        update_registered_converter(LGBMClassifier, "LightGbmLGBMClassifier", shape, convert_lightgbm, options=options)
        shape = calculate_linear_regressor_output_shapes
        options = {"split": None}
        update_registered_converter(LGBMRegressor, "LightGbmLGBMRegressor", shape, convert_lightgbm, options=options)


def _standard(operator: Any) -> tuple[Convert, Shape]:
    from skl2onnx.common._registration import get_converter, get_shape_calculator

    return get_converter(operator.type), get_shape_calculator(operator.type)


def _is_double(operator: Any) -> bool:
    from skl2onnx.common.data_types import DoubleTensorType

    return isinstance(operator.inputs[0].type, DoubleTensorType)


def _shape_of_narrow(operator: Any) -> None:
    _standard(operator)[1](operator)


def _narrow(scope: Any, operator: Any, container: Any) -> None:
    """Numbers get 32 bits here, and 64 again behind it. With 32 bits from the start, a scaler in front moves values across thresholds."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    from skl2onnx.proto import onnx_proto

    single, double = onnx_proto.TensorProto.FLOAT, onnx_proto.TensorProto.DOUBLE
    if not _is_double(operator):
        before = len(container.nodes)
        _standard(operator)[0](scope, operator, container)
        nodes = [node for node in container.nodes[before:] if node.op_type.startswith("TreeEnsemble")]
        kind = type(operator.raw_operator).__name__
        if kind in DOUBLE:
            _compare_in_double(container, nodes, operator.raw_operator, scope)
        elif kind in ROUNDED:
            for node in nodes:
                thresholds.in_single(node, operator.raw_operator)
        return
    rows = operator.inputs[0]
    narrow = scope.declare_local_variable("narrow", FloatTensorType(rows.type.shape))
    _node(scope, container, "Cast", rows.full_name, narrow.full_name, to=single)
    inner = scope.declare_local_operator(operator.type, operator.raw_operator)
    inner.inputs.append(narrow)
    for output in operator.outputs:
        is_double = isinstance(output.type, DoubleTensorType)
        kind = FloatTensorType(output.type.shape) if is_double else output.type
        part = scope.declare_local_variable("part", kind)
        if is_double:
            _node(scope, container, "Cast", part.full_name, output.full_name, to=double)
        else:
            _node(scope, container, "Identity", part.full_name, output.full_name)
        inner.outputs.append(part)


def _compare_in_double(container: Any, nodes: list[Any], model: Any, scope: Any) -> None:
    """Gives tree ensembles their exact thresholds, and the numbers as they are before they get 32 bits."""
    from skl2onnx.proto import onnx_proto

    casts = {node.output[0]: node for node in container.nodes if node.op_type == "Cast"}
    for node in nodes:
        if not thresholds.in_double(node, model):
            continue
        container.node_domain_version_pair_sets.add(("ai.onnx.ml", 3))
        cast = casts.get(node.input[0])
        if cast is not None and cast.attribute[0].i == onnx_proto.TensorProto.FLOAT:
            node.input[0] = cast.input[0]
        else:
            wide = scope.get_unique_variable_name("wide")
            _node(scope, container, "Cast", node.input[0], wide, to=onnx_proto.TensorProto.DOUBLE)
            node.input[0] = wide


def _node(scope: Any, container: Any, kind: str, inputs: Any, outputs: Any, **attributes: Any) -> None:
    container.add_node(kind, inputs, outputs, name=scope.get_unique_operator_name(kind), **attributes)


def _scale(scope: Any, operator: Any, container: Any) -> None:
    """Subtracts and divides as scikit-learn does with numbers of 32 bits. The operator Scaler multiplies, and rounds otherwise."""
    import numpy as np
    from onnx import numpy_helper
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.proto import onnx_proto

    scaler, rows, out = operator.raw_operator, operator.inputs[0], operator.outputs[0].full_name
    if not isinstance(rows.type, FloatTensorType) or len(operator.inputs) > 1:
        _standard(operator)[0](scope, operator, container)
        return
    single, double = onnx_proto.TensorProto.FLOAT, onnx_proto.TensorProto.DOUBLE
    wide = not _scales_in_single(scaler)
    name = rows.full_name
    for kind, values in (("Sub", scaler.mean_), ("Div", scaler.scale_)):
        if values is None:
            continue
        constant, result = scope.get_unique_variable_name("by"), scope.get_unique_variable_name("scaled")
        numbers = np.asarray(values, dtype=np.float64 if wide else np.float32).reshape(1, -1)
        _constant(container, constant, numpy_helper.from_array(numbers, constant))
        if wide:
            widened, computed = scope.get_unique_variable_name("widened"), scope.get_unique_variable_name("computed")
            _node(scope, container, "Cast", name, widened, to=double)
            _node(scope, container, kind, [widened, constant], computed, op_version=14)
            _node(scope, container, "Cast", computed, result, to=single)
        else:
            _node(scope, container, kind, [name, constant], result, op_version=14)
        name = result
    _node(scope, container, "Identity", name, out)


def _scales_in_single(scaler: Any) -> bool:
    """Whether this scikit-learn computes with 32 bits. In older ones each step has 64, and only its result has 32."""
    import numpy as np

    rows = np.random.default_rng(0).normal(0, 3, (256, scaler.n_features_in_))
    if scaler.scale_ is not None:
        rows = rows * scaler.scale_
    if scaler.mean_ is not None:
        rows = rows + scaler.mean_
    rows = rows.astype(np.float32)
    expected = scaler.transform(rows)
    computed = rows
    if scaler.mean_ is not None:
        computed = computed - scaler.mean_.astype(np.float32)
    if scaler.scale_ is not None:
        computed = computed / scaler.scale_.astype(np.float32)
    return bool(np.array_equal(expected, computed, equal_nan=True))


def _shape_of_imputer(operator: Any) -> None:
    rows = operator.inputs[0].type
    kept = len(operator.raw_operator.statistics_)
    operator.outputs[0].type = type(rows)([rows.shape[0], kept])


def _impute(scope: Any, operator: Any, container: Any) -> None:
    """Replaces missing values: NaN, and empty texts. ONNX Runtime's own Imputer has neither 64 bits nor texts."""
    import numpy as np
    from onnx import numpy_helper
    from skl2onnx.common.data_types import StringTensorType

    imputer = operator.raw_operator
    statistics = np.asarray(imputer.statistics_)
    texts = isinstance(operator.inputs[0].type, StringTensorType)
    if imputer.add_indicator:
        raise NotImplementedError(
            "SimpleImputer(add_indicator=True) has no conversion: add a MissingIndicator as a column of its own"
        )
    if not texts and not (isinstance(imputer.missing_values, float) and np.isnan(imputer.missing_values)):
        raise NotImplementedError(
            f"SimpleImputer(missing_values={imputer.missing_values!r}) has no conversion: use NaN for missing numbers"
        )
    if any(each is None or each != each for each in statistics.ravel()):
        raise NotImplementedError("SimpleImputer drops a column that has no value at all: drop the column before the training")

    rows, out = operator.inputs[0].full_name, operator.outputs[0].full_name
    fill = scope.get_unique_variable_name("fill")
    missing = scope.get_unique_variable_name("missing")
    if texts:
        empty = scope.get_unique_variable_name("empty")
        _constant(container, fill, numpy_helper.from_array(statistics.astype(object).reshape(1, -1), fill))
        _constant(container, empty, numpy_helper.from_array(np.array([""], dtype=object), empty))
        _node(scope, container, "Equal", [rows, empty], missing, op_version=19)
    else:
        kind = np.float64 if _is_double(operator) else np.float32
        _constant(container, fill, numpy_helper.from_array(statistics.astype(kind).reshape(1, -1), fill))
        _node(scope, container, "IsNaN", rows, missing, op_version=13)
    _node(scope, container, "Where", [missing, fill, rows], out, op_version=16)


def _constant(container: Any, name: str, tensor: Any) -> None:
    tensor.name = name
    container.initializers.append(tensor)
