"""Makes a model in PMML and its answers, without a JVM: a logistic regression of scikit-learn, written as a RegressionModel. The
answers are scikit-learn's own, so that they do not come from the library that the image scores with.

    python3 -m venv sk && sk/bin/pip install scikit-learn==1.9.1
    sk/bin/python runtimes/jvm/tests/make_pmml.py
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).parent
CITIES = ["Ghent", "Köln", "Łódź"]
ROWS = 500


def main():
    random = np.random.default_rng(5)
    age, amount = random.uniform(18, 90, 2000), random.lognormal(3, 1, 2000)
    city = random.integers(0, len(CITIES), 2000)
    features = np.column_stack([age, amount, *(city == number for number in range(len(CITIES)))])
    churn = (0.05 * age - 0.02 * amount + 0.8 * (city == 1) + random.normal(0, 1, 2000) > 2).astype(int)
    model = LogisticRegression(max_iter=5000).fit(features, churn)
    age_weight, amount_weight, *city_weights = model.coef_[0].tolist()
    predictors = "".join(
        f'<CategoricalPredictor name="city" value="{name}" coefficient="{weight!r}"/>'
        for name, weight in zip(CITIES, city_weights)
    )
    values = "".join(f'<Value value="{name}"/>' for name in CITIES)
    (HERE / "logistic.pmml").write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4">
  <Header/>
  <DataDictionary>
    <DataField name="age" optype="continuous" dataType="double"/>
    <DataField name="amount" optype="continuous" dataType="double"/>
    <DataField name="city" optype="categorical" dataType="string">{values}</DataField>
    <DataField name="churn" optype="categorical" dataType="string"><Value value="no"/><Value value="yes"/></DataField>
  </DataDictionary>
  <RegressionModel functionName="classification" normalizationMethod="softmax">
    <MiningSchema>
      <MiningField name="age"/><MiningField name="amount"/><MiningField name="city"/>
      <MiningField name="churn" usageType="target"/>
    </MiningSchema>
    <Output>
      <OutputField name="label" optype="categorical" dataType="string" feature="predictedValue"/>
      <OutputField name="probability_yes" optype="continuous" dataType="double" feature="probability" value="yes"/>
    </Output>
    <RegressionTable targetCategory="yes" intercept="{model.intercept_.item()!r}">
      <NumericPredictor name="age" coefficient="{age_weight!r}"/>
      <NumericPredictor name="amount" coefficient="{amount_weight!r}"/>
      {predictors}
    </RegressionTable>
    <RegressionTable targetCategory="no" intercept="0.0"/>
  </RegressionModel>
</PMML>
""",
        encoding="utf-8",
    )
    with (HERE / "logistic.jsonl").open("w", encoding="utf-8") as file:
        for row in range(ROWS):
            yes = model.predict_proba(features[row : row + 1])[0, 1].item()
            answer = {"label": "yes" if yes > 0.5 else "no", "probability_yes": yes}
            request = {"age": age[row].item(), "amount": amount[row].item(), "city": CITIES[city[row]]}
            file.write(json.dumps({"row": request, "answer": answer}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
