//! What turned out to be true, told later by whoever knows.

use anyhow::Result;
use serde_json::{Value, json};
use understudy_crds::{Measure, ModelDeployment, OutcomeComparison};
use understudy_e2e::{MODEL, Metrics, Publication, Row, Sample, held_out, with_temp_ns};

use crate::told::{Copies, answering};

/// Outcomes in one request: so few that pods other than those that answered the calls are told most of them.
const AT_ONCE: usize = 10;

/// How many rows a sample labels rightly.
#[expect(clippy::cast_precision_loss, reason = "there are 143 rows")]
fn accuracy(rows: &[Row], version: &str) -> f64 {
    let right = rows.iter().filter(|row| row.expected.get(version).is_some_and(|e| e.label == row.truth));
    right.count() as f64 / rows.len() as f64
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
async fn late_truth_told_to_any_pod_shows_how_often_both_were_right() -> Result<()> {
    with_temp_ns("truth", async |story| {
        let main = Publication::of(Sample::V1_1_0)?;
        story.serve(&main, &json!({"replicas": 2, "recording": {}})).await?;
        story.stage(&Publication::of(Sample::V1_2_0)?).await?;
        story.challenge("1.2.0").await?;
        answering(&story, "1.1.0", "1.2.0").await?;
        let before = Copies::of(&story.metrics("1.1.0").await?);
        let (rows, road) = (held_out()?, story.road(MODEL).await?);
        for (number, row) in rows.iter().enumerate() {
            road.call(&format!("case-{number}"), row).await?;
        }
        let seen = |metrics: &Metrics| {
            let copies = Copies::of(metrics);
            copies == before.and_mirrored(rows.len() as u64)
                && metrics.count("understudy_comparison_pairs", &[]) == copies.mirrored
        };
        story.await_metrics("main's pods have seen both answers to every call", "1.1.0", seen).await?;

        let outcomes: Vec<Value> = rows
            .iter()
            .enumerate()
            .map(|(number, row)| json!({"id": format!("case-{number}"), "label": row.truth}))
            .collect();
        let mut joined = 0;
        for some in outcomes.chunks(AT_ONCE) {
            let answer = road.tell(&json!({"outcomes": some})).await?;
            assert_eq!(answer["unknown"], json!([]), "{answer}");
            joined += answer["joined"].as_u64().unwrap_or_default();
        }
        assert_eq!(joined, rows.len() as u64, "every truth found its call, whichever pod had answered it");
        let answer = road.tell(&json!({"id": "nobody's", "label": 1})).await?;
        assert_eq!(answer, json!({"joined": 0, "unknown": ["nobody's"]}));
        let again = road.tell(&outcomes[0]).await?;
        assert_eq!(again, json!({"joined": 0, "unknown": ["case-0"]}), "a truth is told once");

        let known = |outcomes: &OutcomeComparison| {
            usize::try_from(outcomes.joined).is_ok_and(|joined| joined == rows.len())
                && is(outcomes.main, accuracy(&rows, "1.1.0"), rows.len())
                && is(outcomes.challenger, accuracy(&rows, "1.2.0"), rows.len())
        };
        let shown = |md: &ModelDeployment| {
            let comparison = md.status.as_ref().and_then(|s| s.comparison.as_ref());
            comparison.and_then(|c| c.outcomes.as_ref()).is_some_and(known)
        };
        let what = format!(
            "main is right in {} and the challenger in {} of the calls",
            accuracy(&rows, "1.1.0"),
            accuracy(&rows, "1.2.0")
        );
        story.await_deployment(&what, shown).await?;
        let metrics = story.metrics("1.1.0").await?;
        let told = |result| metrics.count("understudy_outcomes_total", &[("result", result)]);
        assert_eq!((told("joined"), told("unknown")), (joined, 2));
        Ok(())
    })
    .await
}
