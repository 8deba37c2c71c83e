//! Both responses to every call: the records have the same values as direct calls of each version, and every figure of the
//! comparison can be computed from the records.

use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use serde_json::{Value, json};
use understudy_crds::{Comparison, Measure, ModelDeployment, names};
use understudy_e2e::{
    MODEL, Metrics, Person, Prediction, Publication, Records, Row, Sample, Store, Story, held_out, plugin,
    with_temp_ns,
};

use crate::mirroring::{Copies, await_first_copies};

const MAIN: &str = "1.1.0";
const CHALLENGER: &str = "1.2.0";
/// The id of a call that both versions reject.
const INVALID: &str = "invalid";

/// Numbers of a response or a record as the model computed them. In JSON they have more or fewer digits.
#[expect(clippy::cast_possible_truncation, reason = "each number was an FP32 before it was written to JSON")]
fn floats<'a>(values: impl IntoIterator<Item = &'a f64>) -> Vec<f32> {
    values.into_iter().map(|value| *value as f32).collect()
}

fn recorded(row: &Value, column: &str) -> Result<Vec<f32>> {
    let values: Vec<f64> = serde_json::from_value(row[column].clone())
        .with_context(|| format!("{column} of a record: {}", row[column]))?;
    Ok(floats(&values))
}

/// Fails unless the record has this response of a version.
fn ensure_has(record: &Value, side: &str, version: &str, sample: Sample, direct: &Prediction) -> Result<()> {
    let column = |name: &str| &record[format!("{side}_{name}")];
    ensure!(*column("version") == version && *column("status") == 200, "{side}: {record}");
    ensure!(*column("digest") == format!("sha256:{}", sample.sha256()?), "{side}: {record}");
    ensure!(column("latency_us").as_i64().is_some_and(|latency| latency > 0), "{side}: {record}");
    ensure!(*column("label") == json!(direct.labels), "{side} responds {:?}: {record}", direct.labels);
    let probabilities = recorded(record, &format!("{side}_probabilities"))?;
    ensure!(probabilities == floats(&direct.probabilities), "{side} responds {direct:?}: {record}");
    Ok(())
}

/// Calls main with every row, and with one invalid row. The ids are `row-N` and `invalid`.
async fn call(story: &Story, rows: &[Row]) -> Result<()> {
    let endpoint = story.endpoint(MODEL).await?;
    for (number, row) in rows.iter().enumerate() {
        endpoint.call(&format!("row-{number}"), row).await?;
    }
    let mut short = rows[0].clone();
    short.features.pop();
    let rejected = endpoint.call(INVALID, &short).await;
    ensure!(rejected.is_err_and(|e| e.to_string().contains("400")), "a row of 29 features must be rejected");
    Ok(())
}

/// Fails unless each of these calls has a record with its input and with the response that each version gives to a direct
/// call.
async fn ensure_both_answers(story: &Story, records: &Records, rows: &[Row]) -> Result<()> {
    let all = records.query("SELECT * FROM records").await?;
    let find = |id: &str| {
        all.iter().find(|record| record["id"] == id).with_context(|| format!("no record of call {id}"))
    };
    let (main, challenger) = (
        story.endpoint(&names::version_object(MODEL, MAIN)).await?,
        story.endpoint(&names::version_object(MODEL, CHALLENGER)).await?,
    );
    let columns: Vec<String> =
        Sample::V1_1_0.features()?.iter().map(|feature| format!("input_{feature}")).collect();
    for (number, row) in rows.iter().enumerate() {
        let record = find(&format!("row-{number}"))?;
        ensure!(record["deployment"] == MODEL && record["rows"] == 1, "{record}");
        let mut inputs = vec![];
        for column in &columns {
            inputs.extend(recorded(record, column)?);
        }
        ensure!(inputs == floats(&row.features), "the input was {:?}: {record}", row.features);
        let (ours, theirs) = (main.call("direct", row).await?, challenger.call("direct", row).await?);
        ensure_has(record, "main", MAIN, Sample::V1_1_0, &ours)?;
        ensure_has(record, "challenger", CHALLENGER, Sample::V1_2_0, &theirs)?;
    }
    let invalid = find(INVALID)?;
    ensure!(
        invalid["main_status"] == 400 && invalid["challenger_status"] == 400,
        "both versions must reject it: {invalid}"
    );
    ensure!(invalid["main_error"].is_string() && invalid["main_label"].is_null(), "{invalid}");
    Ok(())
}

/// The figures of the comparison, computed from the records.
async fn figures(records: &Records) -> Result<Value> {
    let pairs = "SELECT * FROM records WHERE main_status = 200 AND challenger_status = 200";
    // Of the probabilities of two classes, the second is compared.
    let numbers =
        "SELECT main_probabilities[2]::DOUBLE AS m, challenger_probabilities[2]::DOUBLE AS c FROM pairs";
    let figures = "SELECT count(*) AS pairs, count(*) FILTER (main_label = challenger_label) AS agreed,
        (SELECT avg(abs(m - c)) FROM numbers) AS difference, (SELECT corr(m, c) FROM numbers) AS correlation
        FROM pairs";
    let rows = records.query(&format!("WITH pairs AS ({pairs}), numbers AS ({numbers}) {figures}")).await?;
    Ok(rows[0].clone())
}

/// Fails unless the pods also keep the records of these calls, which are the newest.
async fn ensure_on_pods(story: &Story, calls: u64) -> Result<()> {
    let pods = story.pods_of(MAIN).await?;
    let lines = story.get_from_all(&pods, "/understudy/v1/records?limit=1000").await?.concat();
    let records = lines.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let is_of_test = |id: &str| id == INVALID || id.starts_with("row-");
    let both = |r: &&Value| {
        r["id"].as_str().is_some_and(is_of_test)
            && (&r["main_version"], &r["challenger_version"]) == (&json!(MAIN), &json!(CHALLENGER))
    };
    assert_eq!(
        records.iter().filter(both).count() as u64,
        calls,
        "records with both responses: {:?}",
        records.first()
    );
    let one = story.get_from(&pods[0], "/understudy/v1/records?limit=1").await?;
    assert_eq!(one.lines().count(), 1, "{} returns as many records as the limit", pods[0].name_any());
    Ok(())
}

fn near(found: Option<Measure>, expected: &Value) -> bool {
    found.zip(expected.as_f64()).is_some_and(|(found, expected)| (found.value - expected).abs() < 1e-5)
}

/// Whether the comparison in the status has these figures.
fn has_figures(comparison: &Comparison, figures: &Value) -> bool {
    let output = |name: &str| comparison.outputs.iter().find(|output| output.name == name);
    let (Some(label), Some(probabilities)) = (output("label"), output("probabilities[1]")) else {
        return false;
    };
    let agreement = json!(share_of_agreement(figures));
    figures["pairs"] == comparison.pairs
        && near(label.agreement, &agreement)
        && near(probabilities.mean_absolute_difference, &figures["difference"])
        && near(probabilities.correlation, &figures["correlation"])
}

fn share_of_agreement(figures: &Value) -> f64 {
    let count = |name: &str| figures[name].as_f64().unwrap_or(f64::NAN);
    count("agreed") / count("pairs")
}

#[tokio::test]
async fn every_record_has_both_responses_and_the_comparison_has_the_figures_of_the_records() -> Result<()> {
    with_temp_ns("answers", async |story| {
        let store = Store::default();
        let main = Publication::of(Sample::V1_1_0)?;
        story.serve(&main, &json!({"replicas": 2, "recording": store.recording()})).await?;
        story.stage(&Publication::of(Sample::V1_2_0)?).await?;
        story.challenge(CHALLENGER).await?;
        let first = await_first_copies(&story, MAIN, CHALLENGER).await?;
        let before = Copies::of(&story.metrics(MAIN).await?);
        let rows = held_out()?;
        call(&story, &rows).await?;
        let calls = rows.len() as u64 + 1;
        let done = |metrics: &Metrics| {
            metrics.count("understudy_records_written_total", &[]) == first + calls
                && metrics.count("understudy_records_pending", &[]) == 0
        };
        let metrics = story.await_metrics("every call is in the sink", MAIN, done).await?;
        let copies = Copies::of(&metrics);
        assert_eq!(copies, before.plus_mirrored(calls), "every call was mirrored");

        let records = story.records(&store).await?;
        assert_eq!(records.count("true").await?, first + calls, "one row for each call");
        assert_eq!(records.count("challenger_dropped IS NOT NULL").await?, copies.dropped);
        ensure_both_answers(&story, &records, &rows).await?;
        ensure_on_pods(&story, calls).await?;
        let figures = figures(&records).await?;
        let label = [("output", "label")];
        let counted = ["understudy_comparison_agreed", "understudy_comparison_compared"]
            .map(|name| json!(metrics.count(name, &label)));
        assert_eq!(counted, [figures["agreed"].clone(), figures["pairs"].clone()], "{figures}");
        assert_eq!(
            figures["pairs"],
            json!(copies.mirrored - 1),
            "every mirrored call but the one that both versions rejected"
        );

        let same = |md: &ModelDeployment| {
            md.status.as_ref().and_then(|s| s.comparison.as_ref()).is_some_and(|c| has_figures(c, &figures))
        };
        story.await_deployment(&format!("the status has {figures}"), same).await?;
        let shown = plugin::run(&story, Person::Tess, &["compare", MODEL]).await?.done()?;
        let agreement = format!("{:.1} %", 100.0 * share_of_agreement(&figures));
        let pairs = format!("{} pairs", figures["pairs"]);
        for words in [&pairs, &agreement, "label", "probabilities[1]", MAIN, CHALLENGER] {
            ensure!(shown.contains(words), "kubectl understudy compare has no {words:?}:\n{shown}");
        }
        let compare = plugin::run(&story, Person::Tess, &["compare", MODEL, "-o", "json"]).await?.json()?;
        let comparison: Comparison = serde_json::from_value(compare["comparison"].clone())?;
        ensure!(has_figures(&comparison, &figures), "{compare}");
        ensure!(comparison.roles.iter().all(|role| role.errors == 0), "no version failed: {compare}");
        Ok(())
    })
    .await
}
