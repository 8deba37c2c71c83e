//! How often drift or an issue is found where there is none, and how surely where there is.

use std::{collections::BTreeMap, time::Duration};

use understudy_stats::{Judged, Known, Monitor, Rules};

use crate::{
    coverage::samples,
    features::{self, FEATURES},
    world::{Table, baseline, count, random},
};

pub const RULES: Rules = Rules { window_seconds: 3_600, min_samples: 1_000, min_distance: 0.0, false_alarms: 34.56, };  // alpha 0.001

/// What is found in a window with these rows.
fn judged(monitor: &mut Monitor, table: &Table) -> Vec<(String, Judged)> {
    (0..table[0].1.len()).for_each(|row| count(monitor, table, row));
    let judge = |column: &understudy_stats::ColumnDrift| (column.name.clone(), column.judge(&RULES, Known::default()));
    monitor.drift().columns.iter().map(judge).collect()
}

#[test]
fn probe() {
    let mut found = BTreeMap::<String, u32>::new();
    for round in 0..160 {
        let mut random = random("mixed features", round);
        for (training, rows) in [(1_000, 1_000), (1_000, 10_000), (10_000, 1_000), (10_000, 10_000)] {
            let baseline = baseline(&features::table(training, &mut random), 10, None);
            for _ in 0..5 {
            let mut monitor = Monitor::new(&baseline, Duration::from_hours(1));
            monitor.advance(1_800_000_000);
            for (name, judged) in judged(&mut monitor, &features::table(rows, &mut random)) {
                if let Some(shift) = &judged.shift { *found.entry(format!("{name} {training} {rows} drift {} {:?}", shift.change, judged.limit)).or_default() += 1; }
                for issue in &judged.issues { *found.entry(format!("{name} {training} {rows} {:?} {}", issue.kind, issue.says)).or_default() += 1; }
            }
            }
        }
    }
    for (what, times) in &found { println!("{times} {what}"); }
    let _ = (FEATURES, samples());
}
