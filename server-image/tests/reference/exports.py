#!/usr/bin/env python3
"""The exports of scikit-learn, XGBoost, LightGBM and CatBoost, a text pipeline and published models are served, and answer as
onnxruntime does.

`exports.py [NAME...]` runs only the models whose names contain one of these texts, and expects no counts.
"""

import sys

import compare_model
import tensors
from models import boosting, packaged, scikit_learn, text
from reference import Reference
from report import Report

# A model that is not there any more is an error, too.
EXPECTED = {
    "served": 30,
    "compared over binary": 208,
    "compared over JSON": 208,
    "compared over gRPC as bytes": 208,
    "compared over gRPC in fields": 208,
}


def main(only):
    report = Report()
    for source in (scikit_learn, boosting, text, packaged):
        for case in source.cases():
            if not only or any(text in case.name for text in only):
                one_case(report, case)
    report.end(dict(report.counts) if only else EXPECTED)


def one_case(report, case):
    reference = Reference(case.model)
    calls = []
    for call in case.calls(reference.session):
        calls.append([(name, datatype, tensors.array(call[name], datatype)) for name, datatype in reference.inputs()])
    compare_model.compare(report, case.name, case.model, reference, calls)


if __name__ == "__main__":
    main(sys.argv[1:])
