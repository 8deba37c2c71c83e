//! Both answers to every call: in the records as each version gives them when it is asked directly, and in every figure
//! that is made of them.

use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use serde_json::{Value, json};
use understudy_crds::{Comparison, Measure, ModelDeployment, names};
use understudy_e2e::{
    MODEL, Metrics, Person, Prediction, Publication, Records, Row, Sample, Store, Story, held_out, plugin,
    with_temp_ns,
};

use crate::told::{Copies, answering};

const MAIN: &str = "1.1.0";
const CHALLENGER: &str = "1.2.0";
/// A call that both refuse: its id.
const WRONG: &str = "wrong";

/// Numbers of an answer or a record, as the model gave them. JSON has them in decimals of another length.
#[expect(clippy::cast_possible_truncation, reason = "it was an FP32 before it was written as a decimal")]
fn floats<'a>(values: impl IntoIterator<Item = &'a f64>) -> Vec<f32> {
    values.into_iter().map(|value| *value as f32).collect()
}

fn recorded(row: &Value, column: &str) -> Result<Vec<f32>> {
    let values: Vec<f64> = serde_json::from_value(row[column].clone())
        .with_context(|| format!("{column} of a record: {}", row[column]))?;
    Ok(floats(&values))
}

/// Fails unless the record has this answer of a version.
fn ensure_has(record: &Value, side: &str, version: &str, sample: Sample, direct: &Prediction) -> Result<()> {
    let column = |name: &str| &record[format!("{side}_{name}")];
    ensure!(*column("version") == version && *column("status") == 200, "{side}: {record}");
    ensure!(*column("digest") == format!("sha256:{}", sample.sha256()?), "{side}: {record}");
    ensure!(column("latency_us").as_i64().is_some_and(|took| took > 0), "{side}: {record}");
    ensure!(*column("label") == json!(direct.labels), "{side} answers {:?}: {record}", direct.labels);
    let probabilities = recorded(record, &format!("{side}_probabilities"))?;
    ensure!(probabilities == floats(&direct.probabilities), "{side} answers {direct:?}: {record}");
    Ok(())
}

/// Calls main with every row, and with one that is wrong; the ids are `row-N` and `wrong`.
async fn call(story: &Story, rows: &[Row]) -> Result<()> {
    let road = story.road(MODEL).await?;
    for (number, row) in rows.iter().enumerate() {
        road.call(&format!("row-{number}"), row).await?;
    }
    let mut short = rows[0].clone();
    short.features.pop();
    let refused = road.call(WRONG, &short).await;
    ensure!(refused.is_err_and(|e| e.to_string().contains("400")), "29 features are no request");
    Ok(())
}

/// Fails unless each of these calls has a record with what was asked and what both versions answer to it directly.
async fn ensure_both_answers(story: &Story, records: &Records, rows: &[Row]) -> Result<()> {
    let all = records.query("SELECT * FROM records").await?;
    let find =
        |id: &str| all.iter().find(|record| record["id"] == id).with_context(|| format!("no record {id}"));
    let (main, challenger) = (
        story.road(&names::version_object(MODEL, MAIN)).await?,
        story.road(&names::version_object(MODEL, CHALLENGER)).await?,
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
        ensure!(inputs == floats(&row.features), "it was asked {:?}: {record}", row.features);
        let (ours, theirs) = (main.call("direct", row).await?, challenger.call("direct", row).await?);
        ensure_has(record, "main", MAIN, Sample::V1_1_0, &ours)?;
        ensure_has(record, "challenger", CHALLENGER, Sample::V1_2_0, &theirs)?;
    }
    let wrong = find(WRONG)?;
    ensure!(wrong["main_status"] == 400 && wrong["challenger_status"] == 400, "both refuse: {wrong}");
    ensure!(wrong["main_error"].is_string() && wrong["main_label"].is_null(), "{wrong}");
    Ok(())
}

/// What the records come to.
async fn figures(records: &Records) -> Result<Value> {
    let pairs = "SELECT * FROM records WHERE main_status = 200 AND challenger_status = 200";
    let numbers = "SELECT unnest(main_probabilities)::DOUBLE AS m, unnest(challenger_probabilities)::DOUBLE AS c FROM pairs";
    let figures = "SELECT count(*) AS pairs, count(*) FILTER (main_label = challenger_label) AS agreed,
        (SELECT avg(abs(m - c)) FROM numbers) AS difference, (SELECT corr(m, c) FROM numbers) AS correlation
        FROM pairs";
    let answer = records.query(&format!("WITH pairs AS ({pairs}), numbers AS ({numbers}) {figures}")).await?;
    Ok(answer[0].clone())
}

/// The newest rows are also on the pods; these calls are the newest.
async fn ensure_on_pods(story: &Story, calls: u64) -> Result<()> {
    let pods = story.pods_of(MAIN).await?;
    let lines = story.told_by_all(&pods, "/understudy/v1/records?limit=1000").await?.concat();
    let records = lines.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let is_it = |id: &str| id == WRONG || id.starts_with("row-");
    let both = |r: &&Value| {
        r["id"].as_str().is_some_and(is_it)
            && (&r["main_version"], &r["challenger_version"]) == (&json!(MAIN), &json!(CHALLENGER))
    };
    assert_eq!(records.iter().filter(both).count() as u64, calls, "both answers: {:?}", records.first());
    let one = story.told_by(&pods[0], "/understudy/v1/records?limit=1").await?;
    assert_eq!(one.lines().count(), 1, "{} gives as many as are asked for", pods[0].name_any());
    Ok(())
}

fn near(found: Option<Measure>, expected: &Value) -> bool {
    found.zip(expected.as_f64()).is_some_and(|(found, expected)| (found.value - expected).abs() < 1e-5)
}

/// Whether the comparison in the status comes to these figures.
fn comes_to(comparison: &Comparison, figures: &Value) -> bool {
    let output = |name: &str| comparison.outputs.iter().find(|output| output.name == name);
    let (Some(label), Some(probabilities)) = (output("label"), output("probabilities")) else { return false };
    let agreed = json!(share(figures));
    figures["pairs"] == comparison.pairs
        && near(label.agreement, &agreed)
        && near(probabilities.mean_absolute_difference, &figures["difference"])
        && near(probabilities.correlation, &figures["correlation"])
}

fn share(figures: &Value) -> f64 {
    let count = |name: &str| figures[name].as_f64().unwrap_or(f64::NAN);
    count("agreed") / count("pairs")
}

#[tokio::test]
async fn every_record_has_both_answers_and_every_figure_is_that_of_the_records() -> Result<()> {
    with_temp_ns("answers", async |story| {
        let store = Store::default();
        let main = Publication::of(Sample::V1_1_0)?;
        story.serve(&main, &json!({"replicas": 2, "recording": store.recording()})).await?;
        story.stage(&Publication::of(Sample::V1_2_0)?).await?;
        story.challenge(CHALLENGER).await?;
        let first = answering(&story, MAIN, CHALLENGER).await?;
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
        assert_eq!(copies, before.and_mirrored(calls), "every call was mirrored");

        let records = story.records(&store).await?;
        assert_eq!(records.count("true").await?, first + calls, "one row a call");
        assert_eq!(records.count("challenger_dropped IS NOT NULL").await?, copies.dropped);
        ensure_both_answers(&story, &records, &rows).await?;
        ensure_on_pods(&story, calls).await?;
        let figures = figures(&records).await?;
        let label = [("output", "label")];
        let told = ["understudy_comparison_agreed", "understudy_comparison_compared"]
            .map(|name| json!(metrics.count(name, &label)));
        assert_eq!(told, [figures["agreed"].clone(), figures["pairs"].clone()], "{figures}");
        assert_eq!(figures["pairs"], json!(copies.mirrored - 1), "all but the one that both refused");

        let same = |md: &ModelDeployment| {
            md.status.as_ref().and_then(|s| s.comparison.as_ref()).is_some_and(|c| comes_to(c, &figures))
        };
        story.await_deployment(&format!("the status comes to {figures}"), same).await?;
        let shown = plugin::run(&story, Person::Tess, &["compare", MODEL]).await?.done()?;
        let agreement = format!("{:.1} %", 100.0 * share(&figures));
        let pairs = format!("{} pairs", figures["pairs"]);
        for words in [&pairs, &agreement, "label", "probabilities", MAIN, CHALLENGER] {
            ensure!(shown.contains(words), "kubectl understudy compare does not say {words:?}:\n{shown}");
        }
        let compare = plugin::run(&story, Person::Tess, &["compare", MODEL, "-o", "json"]).await?.json()?;
        let comparison: Comparison = serde_json::from_value(compare["comparison"].clone())?;
        ensure!(comes_to(&comparison, &figures), "{compare}");
        ensure!(comparison.roles.iter().all(|role| role.errors == 0), "nobody failed: {compare}");
        Ok(())
    })
    .await
}
