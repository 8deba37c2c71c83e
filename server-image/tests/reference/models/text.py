"""A text pipeline: scikit-learn's TF-IDF lowers the case of words, which needs the locale en_US.UTF-8 in ONNX Runtime."""

import numpy
from skl2onnx import to_onnx
from skl2onnx.common.data_types import StringTensorType
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from .case import Case, same_calls

TEXTS = [
    ("The parcel has not arrived after THREE weeks", "delivery"),
    ("Where is my order? It was promised for Monday", "delivery"),
    ("The courier left my parcel in the rain", "delivery"),
    ("Please refund the amount, the invoice is wrong", "billing"),
    ("I was charged twice for ONE order", "billing"),
    ("Your INVOICE shows another amount than my bank", "billing"),
    ("The app crashes when I open the camera", "technical"),
    ("I cannot log in: the password link is broken", "technical"),
    ("Après la mise à jour, l’ÉCRAN reste noir", "technical"),
]


def cases():
    texts, topics = zip(*TEXTS, strict=True)
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(list(texts), list(topics))
    model = to_onnx(pipeline, initial_types=[("text", StringTensorType([None, 1]))])
    rows = numpy.array(texts, dtype=object).reshape(-1, 1)
    unseen = numpy.array([["THE ÉCRAN OF MY PARCEL"], [""]], dtype=object)
    yield Case("TF-IDF and logistic regression", model.SerializeToString(),
               same_calls({"text": rows}, {"text": rows[:1]}, {"text": unseen}))
