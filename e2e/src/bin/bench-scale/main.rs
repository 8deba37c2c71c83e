//! `make bench-scale`: O1 to O6 of the operator with up to 1,000 models of ten versions, each figure with its limit and with
//! what limits it in the same run. `e2e/cluster/scale` starts the API server and the nodes. On a shared machine compare the
//! ratios. `SCALE_MODELS` (default 1,000) and `SCALE_IDLE` (default 300, in seconds) shorten it.

mod picture;
mod point;
mod units;

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use point::{Bench, Point};
use understudy_e2e::{Table, millis, percentile};
use units::{megabytes, ratio};

/// Models at the points of the curve.
const MODELS: [usize; 4] = [1, 10, 100, 1000];
/// The operator is idle for this long at the points before the last one.
const SHORT: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<()> {
    let number = |name: &str, default: u64| -> Result<u64> {
        std::env::var(name).map_or(Ok(default), |text| text.parse().context(format!("{name} is a number")))
    };
    let most = usize::try_from(number("SCALE_MODELS", 1000)?)?;
    let idle = Duration::from_secs(number("SCALE_IDLE", 300)?);
    let sizes: Vec<usize> = MODELS.into_iter().filter(|models| *models <= most).collect();
    ensure!(!sizes.is_empty(), "SCALE_MODELS is 0");
    let mut bench = Bench::new().await?;
    let empty = bench.empty().await?;
    println!("empty: {:.1} MB, leads after {}", megabytes(empty.memory), millis(empty.start));
    let mut points = vec![];
    for (index, models) in sizes.iter().enumerate() {
        let is_last = index + 1 == sizes.len();
        let point = bench.measure(*models, if is_last { idle } else { SHORT }).await?;
        println!("{}", one_line(&point));
        points.push(point);
    }
    let last = points.last().context("there is a size")?;
    println!("\n{}", table(&empty, last)?);
    let curve: Vec<_> = points.iter().map(picture::Column::of).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scale.svg");
    std::fs::write(&path, picture::draw(&curve, empty.memory))?;
    println!("the curve is in {}", path.canonicalize()?.display());
    Ok(())
}

fn one_line(point: &Point) -> String {
    format!(
        "{} versions: {} writes in {}, bare loop {} ({:.2} x); approval to switch p50 {} p99 {}, by hand p50 {}; restart {} to \
         lead, {} until all had a pass, {} writes; {:.1} MB, peak {:.1} MB; idle {} s: {} writes, {} dry runs, {} lease renewals",
        point.versions,
        point.writes,
        millis(point.took),
        millis(point.bare),
        ratio(point.bare, point.took),
        millis(percentile(&point.promotions, 50)),
        millis(percentile(&point.promotions, 99)),
        millis(percentile(&point.by_hand, 50)),
        millis(point.restart.until_leading),
        millis(point.restart.from_leading),
        point.restart_writes,
        megabytes(point.memory),
        megabytes(point.peak),
        point.idle.as_secs(),
        point.idle_writes,
        point.dry_runs,
        point.renewals,
    )
}

fn table(empty: &point::Empty, last: &Point) -> Result<Table> {
    let mut table = Table::default();
    let per_version = (last.memory.saturating_sub(empty.memory)) / u64::try_from(last.versions)?;
    let versions = last.versions;
    for (percent, target) in [(50, "<= 50 ms"), (99, "<= 250 ms")] {
        let own = percentile(&last.promotions, percent);
        let by_hand = ("one write by hand", percentile(&last.by_hand, percent));
        table.compare(&format!("O1 approval to the switch, p{percent}"), own, by_hand, target);
    }
    table.add("O2 kill -9, until another leads", millis(last.restart.until_leading), "");
    table.add("O2 from leading until each had a pass", millis(last.restart.from_leading), "<= 10 s");
    table.add("O2 writes after it", last.restart_writes.to_string(), "0");
    table.add("O2 events of the last minute, repeated", last.repeated.to_string(), "");
    let speed = ratio(last.bare, last.took);
    table.compare(
        &format!("O3 {} writes for new versions", last.writes),
        last.took,
        ("bare loop", last.bare),
        "",
    );
    table.add("O3 speed by the bare loop's", format!("{speed:.2} x"), ">= 0.8 x");
    table.add("O4 memory per version", format!("{per_version} bytes"), "<= 6 KB");
    table.add(
        &format!("O4 memory at {versions} versions"),
        format!("{:.1} MB", megabytes(last.memory)),
        "<= 80 MB",
    );
    table.add("O4 largest so far in this process", format!("{:.1} MB", megabytes(last.peak)), "");
    table.add(
        &format!("O5 writes in {} s without work", last.idle.as_secs()),
        last.idle_writes.to_string(),
        "0",
    );
    table.add("O5 dry runs of the policy in it", last.dry_runs.to_string(), "");
    table.add("O5 renewals of the Lease in it", last.renewals.to_string(), "");
    table.add("O6 memory without a model", format!("{:.1} MB", megabytes(empty.memory)), "<= 20 MB");
    table.add("O6 exec to leading", millis(empty.start), "<= 1 s");
    Ok(table)
}
