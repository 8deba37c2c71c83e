"""One call publishes a model, and a call that was interrupted goes on."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import skops.io
from obstore.store import S3Store
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import understudy
from understudy.cluster import Cluster
from understudy.errors import ClusterFailed, StoreFailed, UnderstudyError


@pytest.fixture(scope="session")
def fraud(payments):
    """A fitted pipeline, the rows that trained it, and those that did not."""
    frame, truth = payments
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["amount", "age"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["country", "channel"]),
        ("passthrough", ["vip"]),
    )
    model = make_pipeline(columns, RandomForestClassifier(15, random_state=3)).fit(frame[:900], truth[:900])
    return model, frame[:900], (frame[900:], truth[900:])


def publish(fraud, team, **more):
    """Publishes as alice. The evaluation takes seconds and changes nothing else, so most tests leave it out."""
    model, data, test = fraud
    more = {"skip": ["evaluate"]} | more
    return understudy.publish(model, f"{team.namespace}/fraud", data=data, test=test, **team.reach(), **more)


def test_one_call_makes_a_version_whose_pod_reproduces_the_original(fraud, team, serve):
    published = publish(fraud, team, description="Finds fraud in card payments.", groups="country", skip=[])
    version = team.versions()["fraud-1.0.0"]
    spec = version["spec"]
    assert (spec["version"], spec["stage"]) == ("1.0.0", "Staging")
    assert version["metadata"]["annotations"]["understudy.dev/requested-by"] == "alice"
    assert {metric["name"] for metric in spec["evaluation"]["metrics"]} >= {"auc", "accuracy", "negLogLoss"}
    assert "Finds fraud in card payments." in spec["documentation"]["markdown"]
    assert "| country = NL |" in spec["documentation"]["markdown"]
    assert published.review == f"kubectl understudy review fraud-1.0.0 -n {team.namespace}"

    files = team.store.files()
    assert len(files) == 3
    for name, content in files.items():
        assert name.startswith("risk/fraud/")
        assert hashlib.sha256(content).hexdigest() in name
    assert files[spec["examples"]["uri"].removeprefix("s3://models/")].count(b"\n") == 64

    pod = serve(spec)
    model, _, (rows, _) = fraud
    rows = rows[rows["amount"].notna()].head(200)
    records = json.loads(rows.assign(channel=rows["channel"].fillna("")).to_json(orient="records"))
    answers = pod.predict(records)
    assert [each["label"] for each in answers] == model.predict(rows).tolist()
    np.testing.assert_allclose([each["probabilities"] for each in answers], model.predict_proba(rows), atol=1e-5)


def test_a_model_of_arrays_is_called_with_records_of_its_features(team, serve):
    rows, truth = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=20)).fit(rows[:400], truth[:400])
    names = [f"measure {place}" for place in range(rows.shape[1])]
    test = (rows[400:], truth[400:])
    where = f"{team.namespace}/fraud"
    understudy.publish(model, where, data=rows[:400], test=test, features=names, skip=["evaluate"], **team.reach())
    pod = serve(team.versions()["fraud-1.0.0"]["spec"])
    answers = pod.predict([dict(zip(names, row, strict=True)) for row in rows[400:450].tolist()])
    np.testing.assert_allclose([each["probabilities"] for each in answers], model.predict_proba(rows[400:450]), atol=1e-5)


def test_the_same_call_again_changes_nothing(fraud, team):
    publish(fraud, team)
    before, files = team.versions(), team.store.files()
    again = publish(fraud, team)
    assert again.name == "fraud-1.0.0"
    assert team.versions() == before
    assert team.store.files() == files


def test_another_model_gets_the_next_version(fraud, team):
    publish(fraud, team)
    model, data, test = fraud
    other = make_pipeline(model[0], RandomForestClassifier(5, random_state=4)).fit(data, np.arange(len(data)) % 2)
    assert publish((other, data, test), team).version == "1.1.0"
    third = make_pipeline(model[0], RandomForestClassifier(6, random_state=4)).fit(data, np.arange(len(data)) % 2)
    assert publish((third, data, test), team, bump="major").version == "2.0.0"


def test_a_version_without_a_request_is_requested_by_the_next_call(fraud, team):
    publish(fraud, team, request=None)
    version = team.versions()["fraud-1.0.0"]
    assert version["spec"]["stage"] == "None"
    assert "understudy.dev/requested-by" not in version["metadata"].get("annotations", {})
    publish(fraud, team)
    (version,) = team.versions().values()
    assert (version["spec"]["stage"], version["metadata"]["annotations"]["understudy.dev/requested-by"]) == ("Staging", "alice")


def test_two_people_who_publish_at_the_same_time_get_two_versions(fraud, team, monkeypatch):
    model, data, test = fraud
    other = make_pipeline(model[0], RandomForestClassifier(5, random_state=4)).fit(data, np.arange(len(data)) % 2)
    seen = Cluster.versions
    # The other person's version appears after this call has read the list.
    lists = iter([lambda *_: [], seen])
    publish(fraud, team)
    monkeypatch.setattr(Cluster, "versions", lambda self, *where: next(lists)(self, *where))
    assert publish((other, data, test), team).version == "1.1.0"
    monkeypatch.undo()
    assert sorted(team.versions()) == ["fraud-1.0.0", "fraud-1.1.0"]


def test_a_version_that_exists_with_another_model_is_never_changed(fraud, team):
    publish(fraud, team, version="1.3.0")
    before = team.versions()
    model, data, test = fraud
    other = make_pipeline(model[0], RandomForestClassifier(5, random_state=4)).fit(data, np.arange(len(data)) % 2)
    files = team.store.files()
    with pytest.raises(UnderstudyError, match=r"fraud-1\.3\.0 exists and is another model.*leave out the version"):
        publish((other, data, test), team, version="1.3.0")
    assert (team.versions(), team.store.files()) == (before, files)


def test_a_job_of_ci_that_is_tried_again_is_the_same_call(fraud, team):
    publish(fraud, team, run="jobs/1")
    assert publish(fraud, team, run="jobs/2").name == "fraud-1.0.0"
    assert publish(fraud, team, limits="Not for invoices.").name == "fraud-1.1.0"


def test_a_dry_run_stores_and_writes_nothing(fraud, team):
    planned = publish(fraud, team, dry_run=True)
    assert (team.versions(), team.store.files()) == ({}, {})
    assert "would be created" in str(planned)
    assert publish(fraud, team).manifest == planned.manifest


@pytest.mark.parametrize("passing", [0, 1, 2])
def test_a_store_that_is_lost_publishes_nothing_and_the_same_call_goes_on(fraud, team, passing):
    team.store.gate.after = passing
    with pytest.raises(StoreFailed, match=r"failed to store s3://models/risk/fraud/.*the same call goes on"):
        publish(fraud, team)
    assert team.versions() == {}
    team.store.gate.after = None
    assert publish(fraud, team).name == "fraud-1.0.0"
    assert len(team.store.files()) == 3


def test_a_lost_answer_of_the_store_is_no_harm(fraud, team):
    team.store.gate.answers = False
    with pytest.raises(StoreFailed):
        publish(fraud, team)
    team.store.gate.answers = True
    assert publish(fraud, team).name == "fraud-1.0.0"


def test_a_lost_answer_of_the_api_server_is_no_second_version(fraud, team, monkeypatch):
    create = Cluster.create

    def lost(self, manifest):
        create(self, manifest)
        raise ClusterFailed("failed to create: the API server does not answer")

    with monkeypatch.context() as patched, pytest.raises(ClusterFailed, match="does not answer"):
        patched.setattr(Cluster, "create", lost)
        publish(fraud, team)
    assert publish(fraud, team).name == "fraud-1.0.0"
    assert list(team.versions()) == ["fraud-1.0.0"]


def test_a_full_store_says_so_and_publishes_nothing(fraud, team):
    # No file of the S3 server may be larger than this, as on a disk that is full.
    resource.prlimit(team.store.process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
    with pytest.raises(StoreFailed, match=r"failed to store s3://models/risk/fraud/.*the same call goes on"):
        publish(fraud, team)
    assert team.versions() == {}
    assert not [name for name in team.store.files() if name.endswith(".onnx")]


def test_an_object_that_somebody_wrote_by_hand_is_not_taken_for_the_model(fraud, team):
    planned = publish(fraud, team, dry_run=True)
    key = planned.manifest["spec"]["artifact"]["uri"].removeprefix("s3://models/")
    keys = team.store.keys()
    bucket = S3Store(
        "models",
        access_key_id=keys["AWS_ACCESS_KEY_ID"],
        secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        region=keys["AWS_REGION"],
        endpoint=keys["AWS_ENDPOINT_URL"],
        client_options={"allow_http": True},
    )
    bucket.put(key, b"another model")
    with pytest.raises(StoreFailed, match="exists with another content"):
        publish(fraud, team)
    assert bucket.get(key).bytes() == b"another model"
    assert team.versions() == {}


def test_without_the_right_to_create_versions_the_api_server_s_words_are_shown(fraud, team):
    team.bind("carol", "understudy-viewer")
    team.bind("carol", "read-s3", "Role")
    team.bind("carol", f"read-{team.namespace}")
    model, data, test = fraud
    where = {"kubeconfig": os.environ["BARE_KUBECONFIG"], "impersonate": "carol"}
    with pytest.raises(ClusterFailed, match=r'failed to create ModelVersion .*"carol" cannot create resource "modelversions"'):
        understudy.publish(
            model, f"{team.namespace}/fraud", data=data, test=test, store="s3://models/risk", store_secret="s3", **where
        )


def test_a_scientist_who_may_not_read_the_secret_uses_the_environment(fraud, team, monkeypatch):
    team.rbac.delete_namespaced_role("read-s3", team.namespace)
    rules = [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["s3"], "verbs": ["use"]}]
    team.rbac.create_namespaced_role(team.namespace, {"metadata": {"name": "read-s3"}, "rules": rules})
    for name, value in team.store.keys().items():
        monkeypatch.setenv(name, value)
    assert publish(fraud, team).name == "fraud-1.0.0"


def test_credentials_of_the_environment_are_not_mixed_with_those_of_the_secret(fraud, team, monkeypatch):
    for name, value in {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "mine", "AWS_SESSION_TOKEN": "mine"}.items():
        monkeypatch.setenv(name, value)
    assert publish(fraud, team).name == "fraud-1.0.0"


def test_the_address_in_a_secret_without_keys_does_not_get_the_credentials_of_the_environment(fraud, team, monkeypatch):
    keys = team.store.keys()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["AWS_ACCESS_KEY_ID"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["AWS_SECRET_ACCESS_KEY"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    body = {"data": {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}}
    team.core.patch_namespaced_secret("s3", team.namespace, body)
    before = team.store.gate.connections
    with pytest.raises(StoreFailed):
        publish(fraud, team)
    assert team.store.gate.connections == before


def test_a_deployment_that_does_not_exist_is_named(fraud, team):
    model, data, test = fraud
    with pytest.raises(UnderstudyError, match=r"ModelDeployment .*/frauds does not exist"):
        understudy.publish(model, f"{team.namespace}/frauds", data=data, test=test, **team.reach())


def test_a_namespace_without_a_store_says_how_to_name_one(fraud, team):
    team.core.patch_namespace(team.namespace, {"metadata": {"annotations": {"understudy.dev/store": None}}})
    with pytest.raises(UnderstudyError, match=r"no store.*kubectl annotate namespace"):
        publish(fraud, team)


def test_a_bucket_that_does_not_exist_is_named(fraud, team):
    with pytest.raises(StoreFailed, match=r"failed to store s3://nowhere/.*"):
        publish(fraud, team, store="s3://nowhere", store_secret="s3")


def test_the_command_publishes_a_file_and_prints_json(fraud, team, tmp_path):
    model, data, (rows, truth) = fraud
    skops.io.dump(model, tmp_path / "model.skops")
    data.to_parquet(tmp_path / "train.parquet")
    rows.assign(fraud=truth).to_parquet(tmp_path / "test.parquet")
    command = [
        sys.executable, "-m", "understudy", "publish", "model.skops", "--to", f"{team.namespace}/fraud", "--data", "train.parquet",
        "--test", "test.parquet", "--target", "fraud", "--as", "alice", "--kubeconfig", os.environ["BARE_KUBECONFIG"], "-o", "json", "--trust",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert (printed["name"], printed["requested"], printed["proof"]["beyond"]) == ("fraud-1.0.0", "Staging", 0)
    assert "prove" in done.stderr
    assert pd.DataFrame(printed["evaluation"]).columns.tolist() == ["name", "value", "low", "high"]
    assert list(team.versions()) == ["fraud-1.0.0"]
