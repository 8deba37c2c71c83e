//! Both answers to every call: in the records as each version gives them when it is asked directly, and in every figure
//! that is made of them.

use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use serde_json::{Value, json};
use understudy_crds::{Comparison, Measure, ModelDeployment, names};
use understudy_e2e::{
    MODEL, Metrics, Person, Prediction, Publication, Row, Sample, Store, Story, held_out, plugin,
    with_temp_ns,
};

use crate::told::{Copies, accepted};

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

async fn ensure_recorded(story: &Story, sink: &Store, rows: &[Row]) -> Result<Value> {
    let records = story.records(sink).await?;
    let all = records.query("SELECT * FROM records").await?;
    assert_eq!(all.len(), rows.len() + 1, "one row a call");
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

    let figures = "SELECT count(*) AS pairs, count(*) FILTER (main_label = challenger_label) AS agreed,
         (SELECT avg(abs(m - c)) FROM numbers) AS difference, (SELECT corr(m, c) FROM numbers) AS correlation
         FROM both";
    let both = "SELECT * FROM records WHERE main_status = 200 AND challenger_status = 200";
    let numbers = "SELECT unnest(main_probabilities)::DOUBLE AS m, unnest(challenger_probabilities)::DOUBLE AS c FROM both";
    let answer = records.query(&format!("WITH both AS ({both}), numbers AS ({numbers}) {figures}")).await?;
    Ok(answer[0].clone())
}

/// The newest rows are also on the pods.
async fn ensure_on_pods(story: &Story, count: usize) -> Result<()> {
    let pods = story.pods_of(MAIN).await?;
    let lines = story.told_by_all(&pods, "/understudy/v1/records?limit=1000").await?.concat();
    let records = lines.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    assert_eq!(records.len(), count);
    let both = |r: &&Value| r["main_version"] == MAIN && r["challenger_version"] == CHALLENGER;
    assert_eq!(records.iter().filter(both).count(), count, "both answers: {:?}", records[0]);
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
        accepted(&story, MAIN, CHALLENGER).await?;
        let rows = held_out()?;
        call(&story, &rows).await?;
        let calls = rows.len() as u64 + 1;
        let done = |metrics: &Metrics| {
            metrics.count("understudy_records_written_total", &[]) == calls
                && metrics.count("understudy_records_pending", &[]) == 0
        };
        let metrics = story.await_metrics("every call is in the sink", MAIN, done).await?;
        assert_eq!(Copies::of(&metrics), Copies::all(calls), "every call was mirrored");

        let figures = ensure_recorded(&story, &store, &rows).await?;
        ensure_on_pods(&story, rows.len() + 1).await?;
        let label = [("output", "label")];
        let told = ["understudy_comparison_agreed", "understudy_comparison_compared"]
            .map(|name| json!(metrics.count(name, &label)));
        assert_eq!(told, [figures["agreed"].clone(), figures["pairs"].clone()], "{figures}");
        assert_eq!(figures["pairs"], json!(rows.len()));

        let same = |md: &ModelDeployment| {
            md.status.as_ref().and_then(|s| s.comparison.as_ref()).is_some_and(|c| comes_to(c, &figures))
        };
        story.await_deployment(&format!("the status comes to {figures}"), same).await?;
        let shown = plugin::run(&story, Person::Tess, &["compare", MODEL]).await?.done()?;
        let agreement = format!("{:.1} %", 100.0 * share(&figures));
        for words in
            [&format!("{} pairs", rows.len()), &agreement, "label", "probabilities", MAIN, CHALLENGER]
        {
            ensure!(shown.contains(words), "kubectl understudy compare does not say {words:?}:\n{shown}");
        }
        let compare = plugin::run(&story, Person::Tess, &["compare", MODEL, "-o", "json"]).await?.json()?;
        let comparison: Comparison = serde_json::from_value(compare["comparison"].clone())?;
        ensure!(comes_to(&comparison, &figures), "{compare}");
        Ok(())
    })
    .await
}
