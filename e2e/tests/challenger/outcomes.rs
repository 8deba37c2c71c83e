//! Outcomes: the ground truth of calls, sent later.

use anyhow::Result;
use serde_json::{Value, json};
use understudy_crds::{Estimate, Measure, ModelDeployment, OutcomeComparison, VersionEstimates};
use understudy_e2e::{MODEL, Metrics, Publication, Row, Sample, held_out, with_temp_ns};

use crate::mirroring::{Copies, await_first_copies};

/// Outcomes in one request. With so few, most of them reach another pod than the one that answered the call.
const BATCH: usize = 10;

/// The share of rows that a version labels correctly.
#[expect(clippy::cast_precision_loss, reason = "there are 143 rows")]
fn accuracy(rows: &[Row], version: &str) -> f64 {
    let right = rows.iter().filter(|row| row.expected.get(version).is_some_and(|e| e.label == row.truth));
    right.count() as f64 / rows.len() as f64
}

/// The share of rows of a class that a version labels correctly.
fn recall(rows: &[Row], version: &str, class: &str) -> f64 {
    let of_class: Vec<Row> = rows.iter().filter(|row| row.truth.to_string() == class).cloned().collect();
    accuracy(&of_class, version)
}

/// Whether each class has its rows and the recall of both versions.
fn has_classes(outcomes: &OutcomeComparison, rows: &[Row]) -> bool {
    let near =
        |share: Option<Estimate>, expected: f64| share.is_some_and(|s| (s.value - expected).abs() < 1e-5);
    let counted: i64 = outcomes.classes.iter().map(|class| class.rows).sum();
    outcomes.classes.len() == 2
        && usize::try_from(counted).is_ok_and(|counted| counted == rows.len())
        && outcomes.classes.iter().all(|class| {
            near(class.main.recall, recall(rows, "1.1.0", &class.name))
                && near(class.challenger.recall, recall(rows, "1.2.0", &class.name))
        })
}

/// Whether the scores of both versions were evaluated: they tell malignant rows from benign ones nearly always.
fn has_scores(outcomes: &OutcomeComparison) -> bool {
    let both = |of: &VersionEstimates, is: fn(f64) -> bool| {
        [of.main, of.challenger].iter().all(|of| of.is_some_and(|of| is(of.value) && of.low < of.high))
    };
    let auc = outcomes.classes.iter().find_map(|class| class.auc.as_ref());
    auc.is_some_and(|auc| both(auc, |auc| auc > 0.95) && auc.difference.is_some())
        && outcomes.log_loss.as_ref().is_some_and(|loss| both(loss, |loss| loss < 0.3))
        && outcomes.calibration.iter().any(|tenth| tenth.main.is_some() && tenth.challenger.is_some())
        && (outcomes.left_out, &outcomes.numbers) == (0, &None)
}

/// Whether the value of all rows, ten each, is known, and the share of it for which main was right.
#[expect(clippy::cast_precision_loss, reason = "there are 143 rows")]
fn has_value(outcomes: &OutcomeComparison, accuracy: f64, rows: usize) -> bool {
    outcomes.value.as_ref().is_some_and(|value| {
        (value.total - 10.0 * rows as f64).abs() < 1e-6
            && value.right.main.is_some_and(|share| (share.value - accuracy).abs() < 1e-5)
    })
}

fn is(measure: Option<Measure>, value: f64, compared: usize) -> bool {
    measure.is_some_and(|m| {
        (m.value - value).abs() < 1e-5
            && m.low < value
            && value < m.high
            && usize::try_from(m.compared).is_ok_and(|of| of == compared)
    })
}

#[tokio::test]
async fn outcomes_sent_to_any_pod_show_how_often_main_and_challenger_were_right() -> Result<()> {
    with_temp_ns("outcomes", async |story| {
        let main = Publication::of(Sample::V1_1_0)?;
        story.serve(&main, &json!({"replicas": 2, "recording": {}})).await?;
        story.stage(&Publication::of(Sample::V1_2_0)?).await?;
        story.challenge("1.2.0").await?;
        await_first_copies(&story, "1.1.0", "1.2.0").await?;
        let before = Copies::of(&story.metrics("1.1.0").await?);
        let (rows, endpoint) = (held_out()?, story.endpoint(MODEL).await?);
        for (number, row) in rows.iter().enumerate() {
            endpoint.call(&format!("case-{number}"), row).await?;
        }
        let seen = |metrics: &Metrics| {
            let copies = Copies::of(metrics);
            copies == before.plus_mirrored(rows.len() as u64)
                && metrics.count("understudy_comparison_pairs", &[]) == copies.mirrored
        };
        story.await_metrics("main's pods have compared both responses to every call", "1.1.0", seen).await?;

        let outcomes: Vec<Value> = rows
            .iter()
            .enumerate()
            .map(|(number, row)| json!({"id": format!("case-{number}"), "label": row.truth, "value": 10}))
            .collect();
        let mut joined = 0;
        for some in outcomes.chunks(BATCH) {
            let response = endpoint.send_outcomes(&json!({"outcomes": some})).await?;
            assert_eq!(response["unknown"], json!([]), "{response}");
            joined += response["joined"].as_u64().unwrap_or_default();
        }
        assert_eq!(
            joined,
            rows.len() as u64,
            "every outcome is joined to its call, whichever pod answered the call"
        );
        let response = endpoint.send_outcomes(&json!({"id": "no-such-call", "label": 1})).await?;
        assert_eq!(response, json!({"joined": 0, "unknown": ["no-such-call"], "mismatched": []}));
        let again = endpoint.send_outcomes(&outcomes[0]).await?;
        assert_eq!(
            again,
            json!({"joined": 0, "unknown": ["case-0"], "mismatched": []}),
            "a second outcome of the same call is not joined"
        );

        let known = |outcomes: &OutcomeComparison| {
            usize::try_from(outcomes.joined).is_ok_and(|joined| joined == rows.len())
                && is(outcomes.main, accuracy(&rows, "1.1.0"), rows.len())
                && is(outcomes.challenger, accuracy(&rows, "1.2.0"), rows.len())
                && has_classes(outcomes, &rows)
                && has_scores(outcomes)
                && has_value(outcomes, accuracy(&rows, "1.1.0"), rows.len())
        };
        let shown = |md: &ModelDeployment| {
            let comparison = md.status.as_ref().and_then(|s| s.comparison.as_ref());
            comparison.and_then(|c| c.outcomes.as_deref()).is_some_and(known)
        };
        let what = format!(
            "main is right in {} and the challenger in {} of the calls",
            accuracy(&rows, "1.1.0"),
            accuracy(&rows, "1.2.0")
        );
        story.await_deployment(&what, shown).await?;
        let metrics = story.metrics("1.1.0").await?;
        let counted = |result| metrics.count("understudy_outcomes_total", &[("result", result)]);
        assert_eq!((counted("joined"), counted("unknown")), (joined, 2));
        Ok(())
    })
    .await
}
