"""Whether two answers are the same, to the bit."""

import numpy

import tensors


def difference(expected, answer, datatype, has_json_form):
    """What differs, as text; None if nothing does. Each NaN equals each other one. In JSON, infinity is `null` as well."""
    if expected.shape != answer.shape:
        return f"the shape is {list(answer.shape)}, not {list(expected.shape)}"
    if datatype == "BYTES":
        same = expected.ravel() == answer.ravel()
    elif datatype not in tensors.FLOATS:
        same = expected.ravel() == answer.ravel()
    else:
        expected_bits, answer_bits = (bits(values) for values in (expected, answer))
        wide, answer_wide = (values.ravel().astype(numpy.float64) for values in (expected, answer))
        neither = ~numpy.isfinite(wide) if has_json_form else numpy.isnan(wide)
        same = (expected_bits == answer_bits) | (neither & numpy.isnan(answer_wide))
    same = numpy.asarray(same)
    if same.all():
        return None
    at = int(numpy.flatnonzero(~same)[0])
    count = int((~same).sum())
    return f"{count} of {same.size} elements differ; element {at} is {answer.ravel()[at]!r}, not {expected.ravel()[at]!r}"


def bits(values):
    """The elements as integers: 0.0 and -0.0 differ."""
    values = numpy.ascontiguousarray(values).ravel()
    return values.view({2: numpy.uint16, 4: numpy.uint32, 8: numpy.uint64}[values.itemsize])
