"""Makes the models of these tests and their recorded answers, once: H2O needs 600 MB and a JVM.

    python3 -m venv h2o && h2o/bin/pip install h2o==3.46.0.9 numpy
    h2o/bin/python runtimes/jvm/tests/make.py

Each model is trained on rows with numbers, categories and missing values. `<name>.jsonl` has the rows, also with values that the
training did not have, and what H2O itself predicts for them: examples as a ModelVersion has them.
"""

import json
import os
from pathlib import Path

import h2o
import numpy as np
from h2o.estimators import H2OGeneralizedLinearEstimator, H2OGradientBoostingEstimator, H2ORandomForestEstimator

HERE = Path(__file__).parent
ROWS = 500
CITIES = ["Ghent", "Köln", "Łódź", "São Paulo"]


def rows(count, seed, unseen):
    """Ages, amounts and cities, some of them missing, and some cities that no training data has."""
    random = np.random.default_rng(seed)
    age = np.round(random.uniform(18, 90, count), 3)
    amount = np.round(random.lognormal(3, 1.5, count), 4)
    city = random.choice(CITIES, count).astype(object)
    age[random.random(count) < 0.05] = np.nan
    city[random.random(count) < 0.05] = None
    if unseen:
        city[random.random(count) < 0.03] = "Atlantis"
    return age, amount, city


def frame(age, amount, city, **more):
    # None of these texts is a missing value for the reader of H2O.
    data = {"age": [None if np.isnan(one) else float(one) for one in age], "amount": amount.tolist(), "city": city.tolist(), **more}
    types = {"age": "numeric", "amount": "numeric", "city": "enum"}
    types |= {name: "enum" if isinstance(values[0], str) else "numeric" for name, values in more.items()}
    return h2o.H2OFrame(data, column_types=types)


def examples(path, model, age, amount, city, classes):
    header, *predicted = model.predict(frame(age, amount, city)).as_data_frame(use_pandas=False)
    with path.open("w", encoding="utf-8") as file:
        for row in range(len(age)):
            found = dict(zip(header, predicted[row]))
            request = {"age": None if np.isnan(age[row]) else age[row], "amount": amount[row], "city": city[row] or ""}
            if classes:
                answer = {"label": str(found["predict"]), "probabilities": [float(found[name]) for name in classes]}
            else:
                answer = {"value": float(found["predict"])}
            file.write(json.dumps({"row": request, "answer": answer}, ensure_ascii=False) + "\n")


def main():
    h2o.init(nthreads=2, max_mem_size="1g", name=f"make-{os.getpid()}", port=54399)
    try:
        age, amount, city = rows(2000, 7, unseen=False)
        is_old = np.nan_to_num(age, nan=50.0) / 90
        score = is_old + np.log(amount) / 6 + np.array([0.2 * (one == "Ghent") for one in city])
        churn = np.where(score + np.random.default_rng(8).normal(0, 0.2, 2000) > 1.1, "yes", "no").tolist()
        training = frame(age, amount, city, churn=churn, spend=(score * 10).tolist())
        known = rows(ROWS, 11, unseen=True)
        features = ["age", "amount", "city"]
        for name, estimator, target, classes in [
            ("gbm", H2OGradientBoostingEstimator(ntrees=10, max_depth=4, seed=1, model_id="gbm"), "churn", ["no", "yes"]),
            ("drf", H2ORandomForestEstimator(ntrees=5, max_depth=5, seed=1, model_id="drf"), "spend", None),
            ("glm", H2OGeneralizedLinearEstimator(family="binomial", model_id="glm"), "churn", ["no", "yes"]),
        ]:
            estimator.train(x=features, y=target, training_frame=training)
            estimator.save_mojo(str(HERE), force=True, filename=f"{name}.zip")
            if name == "gbm":
                estimator.download_pojo(str(HERE), get_genmodel_jar=False)
            examples(HERE / f"{name}.jsonl", estimator, *known, classes)
    finally:
        h2o.cluster().shutdown()


if __name__ == "__main__":
    main()
