//! How often drift or an issue is found where there is none, and how surely where there is.

use std::{f64::consts::PI, time::Duration};

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rstest::rstest;
use understudy_stats::{Baseline, ColumnDrift, Judged, Known, Monitor, Rules};

use crate::{
    coverage::{MANY, samples},
    features::{self, FEATURES},
    world::{Table, Value, baseline, count, random},
};

/// The rules that are the default of `spec.drift`.
pub const RULES: Rules = Rules { window_seconds: 3_600, min_samples: 1_000, psi: 0.02, false_alarms: 0.01 };
/// Windows in 30 days, times the looks at each, times the tests of a column.
const TESTS_OF_A_MONTH: f64 = 720.0 * 12.0 * 4.0;
const NOW: u64 = 1_800_000_000;

/// Windows of each test. `make statistics` has 1,000.
fn windows() -> u64 {
    if samples() < MANY { 40 } else { 1_000 }
}

fn judge(columns: &[ColumnDrift], rules: &Rules) -> Vec<Judged> {
    columns.iter().map(|column| column.judge(rules, Known::default())).collect()
}

fn is_alarm(judged: &Judged) -> bool {
    judged.shift.is_some() || !judged.issues.is_empty()
}

/// The columns of a window with these rows.
fn window(baseline: &Baseline, rows: &Table) -> Vec<ColumnDrift> {
    let mut monitor = Monitor::new(baseline, Duration::from_hours(1));
    monitor.advance(NOW);
    (0..rows[0].1.len()).for_each(|row| count(&mut monitor, rows, row));
    monitor.drift().columns
}

/// A probability of 0.001 for each test shows what the rules do more surely than the default, with which nothing is found.
#[rstest]
#[case::few_rows(1_000, 1_000)]
#[case::a_window_larger_than_the_training_data(1_000, 5_000)]
#[case::many_training_rows(10_000, 1_000)]
fn there_are_as_few_false_alarms_as_stated_in_windows_of_thirty_mixed_features(
    #[case] training: usize,
    #[case] rows: usize,
) {
    let often = Rules { false_alarms: 0.001 * TESTS_OF_A_MONTH, psi: 0.0, ..RULES };
    let (mut found, mut default) = (0_u32, 0_u32);
    for round in 0..windows() {
        let mut random = random("mixed features", round + training as u64);
        let baseline = baseline(&features::table(training, &mut random), training / 100, None);
        let columns = window(&baseline, &features::table(rows, &mut random));
        let alarms = |rules| judge(&columns, rules).iter().filter(|judged| is_alarm(judged)).count();
        found += u32::try_from(alarms(&often)).expect("at most 30");
        default += u32::try_from(alarms(&RULES)).expect("at most 30");
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let tests = 4.0 * (windows() * FEATURES as u64) as f64;
    let stated = 0.001 * tests;
    println!(
        "| mixed features | {training} | {rows} | 0.001 | {:.5} | {default} |",
        f64::from(found) / tests
    );
    assert!(f64::from(found) <= stated + 3.0 * stated.sqrt(), "{found} alarms instead of {stated}");
    assert_eq!(default, 0, "alarms with the default rules");
}

/// A month in which nothing changes, for columns with one false alarm a month. Each starts to be one only once.
#[test]
fn a_window_that_slides_for_a_month_has_as_few_false_alarms_as_stated() {
    let rules = Rules { false_alarms: 1.0, psi: 0.0, ..RULES };
    let days = if samples() < MANY { 1 } else { 30 };
    let mut random = random("a month", 0);
    let kinds: Vec<usize> = (0..10).collect();
    let column = |rows: usize, random: &mut ChaCha8Rng| -> Table {
        let values = |kind: &usize| (0..rows).map(|_| features::draw(*kind, 0.0, random)).collect();
        let mut values = values;
        kinds.iter().map(|kind| (features::KINDS[*kind].to_owned(), values(kind))).collect()
    };
    let baseline = baseline(&column(10_000, &mut random), 50, None);
    let mut monitor = Monitor::new(&baseline, Duration::from_hours(1));
    let (mut alarms, mut drifting) = (0_u32, vec![false; kinds.len()]);
    for part in 0..(days * 24 * 12) {
        monitor.advance(NOW + part * 300);
        let rows = column(100, &mut random);
        (0..100).for_each(|row| count(&mut monitor, &rows, row));
        for (column, was) in monitor.drift().columns.iter().zip(&mut drifting) {
            let now = is_alarm(&column.judge(&rules, Known { drifts: *was, issues: &[] }));
            alarms += u32::from(now && !*was);
            *was = now;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 300")]
    let stated = (days * 10) as f64 / 30.0;
    println!("| sliding window, false alarms in {days} days of 10 columns | {stated:.1} | {alarms} |");
    assert!(f64::from(alarms) <= stated + 3.0 * stated.sqrt(), "{alarms} alarms instead of {stated}");
}

/// Each of these is found in at least nine of ten windows, with 10,000 training rows and the default rules.
#[rstest]
#[case::a_mean_by_a_quarter_of_its_deviation(0, 0.25, 2_000)]
#[case::a_mean_by_a_fifth_and_more_calls(0, 0.2, 5_000)]
#[case::a_skewed_number_by_a_third(1, 0.33, 1_000)]
#[case::a_count_from_4_to_5(2, 0.5, 1_000)]
#[case::zeros_from_70_to_60_percent(3, 0.1, 2_500)]
#[case::scores_of_5_percent_that_become_7(4, 0.6, 2_000)]
#[case::missing_from_50_to_60_percent(5, 0.1, 3_000)]
#[case::a_flag_from_1_to_6_percent(6, 0.05, 1_000)]
#[case::a_region_from_5_to_14_percent(7, 0.1, 1_000)]
fn a_change_is_found(#[case] feature: usize, #[case] change: f64, #[case] rows: usize) {
    let name = features::KINDS[feature];
    let rounds = windows().min(400);
    let mut found = 0_u64;
    for round in 0..rounds {
        let mut random = random(name, round);
        let column = |rows: usize, change: f64, random: &mut ChaCha8Rng| -> Table {
            vec![(name.to_owned(), (0..rows).map(|_| features::draw(feature, change, random)).collect())]
        };
        let baseline = baseline(&column(10_000, 0.0, &mut random), 50, None);
        let judged = judge(&window(&baseline, &column(rows, change, &mut random)), &RULES);
        found += u64::from(judged.iter().any(is_alarm));
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 400")]
    let percent = 100.0 * found as f64 / rounds as f64;
    println!("| found: {name}, {change} | {rows} | {percent:.0} % |");
    // A few windows show it less surely.
    let least = if samples() < MANY { 80.0 } else { 90.0 };
    assert!(percent >= least, "found in {percent} of 100 windows");
}

/// Calls of 250 rows that are alike: of one customer, or from one place.
#[test]
fn rows_of_a_call_that_are_alike_make_no_more_false_alarms_than_stated() {
    let often = Rules { false_alarms: 0.001 * TESTS_OF_A_MONTH, psi: 0.0, ..RULES };
    let (mut found, mut as_single_rows) = (0_u64, 0_u64);
    for round in 0..windows() {
        let mut random = random("batches", round);
        let training: Vec<Value> = (0..10_000).map(|_| features::draw(0, 0.0, &mut random)).collect();
        let baseline = baseline(&vec![("x".to_owned(), training)], 0, None);
        let mut monitor = Monitor::new(&baseline, Duration::from_hours(1));
        monitor.advance(NOW);
        for _ in 0..20 {
            monitor.rows(250);
            let common: f64 = StandardNormal.sample(&mut random);
            for _ in 0..250 {
                let own: f64 = StandardNormal.sample(&mut random);
                monitor.number(0, 50.0 + 8.0 * (0.05_f64.sqrt() * common + 0.95_f64.sqrt() * own));
            }
        }
        let mut columns = monitor.drift().columns;
        found += u64::from(judge(&columns, &often).iter().any(is_alarm));
        columns[0].design_effect = 1.0;
        as_single_rows += u64::from(judge(&columns, &often).iter().any(is_alarm));
    }
    println!("| rows that are alike | alarms {found}, as single rows {as_single_rows} of {} |", windows());
    let stated = 0.004 * f64::from(u32::try_from(windows()).expect("at most 1,000"));
    assert!(
        f64::from(u32::try_from(found).expect("few")) <= stated + 3.0 * stated.sqrt() + 1.0,
        "{found} alarms"
    );
    assert!(as_single_rows > 0, "as independent rows some are drift");
}

/// A load with a daily cycle, at this hour.
fn load(hour: usize, change: f64, random: &mut ChaCha8Rng) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "at most 23")]
    let phase = 2.0 * PI * hour as f64 / 24.0;
    let noise: f64 = StandardNormal.sample(random);
    Value::Number(100.0 + 30.0 * phase.sin() + 10.0 * noise + change)
}

/// Thirty days of training data, and each hour of a day after them.
fn alarms_of_a_day(change: f64, seasonal: bool) -> usize {
    let mut random = random("daily cycle", 0);
    let hours: Vec<usize> = (0..30 * 24 * 40).map(|row| row / 40 % 24).collect();
    let training =
        vec![("load".to_owned(), hours.iter().map(|hour| load(*hour, 0.0, &mut random)).collect())];
    let baseline = baseline(&training, 30, seasonal.then_some(&hours[..]));
    let midnight = NOW - NOW % 86_400;
    let is_alarming = |hour: &usize| {
        let mut monitor = Monitor::new(&baseline, Duration::from_hours(1));
        monitor.advance(midnight + 3_600 * *hour as u64);
        let rows = vec![("load".to_owned(), (0..1_000).map(|_| load(*hour, change, &mut random)).collect())];
        (0..1_000).for_each(|row| count(&mut monitor, &rows, row));
        judge(&monitor.drift().columns, &RULES).iter().any(is_alarm)
    };
    (0..24).filter(is_alarming).count()
}

// A daily cycle that is in the training data as well gave 14 alarms a week.
#[test]
fn a_daily_cycle_that_is_in_the_training_data_is_no_drift_if_the_baseline_has_seasons() {
    assert_eq!(alarms_of_a_day(0.0, true), 0);
    assert!(alarms_of_a_day(0.0, false) > 12, "without seasons, most hours differ from the whole");
    assert!(alarms_of_a_day(5.0, true) > 20, "half a deviation of the hour is found in nearly each hour");
}

/// Training data and windows whose mean moves from day to day, by a third of its deviation.
#[test]
fn a_mean_that_moves_from_day_to_day_as_in_the_training_data_is_no_drift() {
    let habit = 0.3;
    let day = |random: &mut ChaCha8Rng, change: f64, rows: usize| -> Vec<Value> {
        let mean: f64 = StandardNormal.sample(random);
        let row = |random: &mut ChaCha8Rng| -> f64 { StandardNormal.sample(random) };
        (0..rows).map(|_| Value::Number(habit * mean + change + row(random))).collect()
    };
    let (mut with, mut without, mut found) = (0_u64, 0_u64, 0_u64);
    let rounds = windows();
    for round in 0..rounds {
        let mut random = random("days", round);
        let training = vec![("x".to_owned(), (0..40).flat_map(|_| day(&mut random, 0.0, 250)).collect())];
        let rows = vec![("x".to_owned(), day(&mut random, 0.0, 1_000))];
        let moved = vec![("x".to_owned(), day(&mut random, 3.0, 1_000))];
        let alarms = |chunks: usize, rows: &Table| {
            let often = Rules { false_alarms: 0.001 * TESTS_OF_A_MONTH, ..RULES };
            u64::from(judge(&window(&baseline(&training, chunks, None), rows), &often).iter().any(is_alarm))
        };
        with += alarms(40, &rows);
        without += alarms(0, &rows);
        found += alarms(40, &moved);
    }
    println!(
        "| days that differ | alarms with chunks {with}, without {without}, found {found} of {rounds} |"
    );
    let stated = 0.004 * f64::from(u32::try_from(rounds).expect("at most 1,000"));
    assert!(
        f64::from(u32::try_from(with).expect("few")) <= stated + 3.0 * stated.sqrt() + 1.0,
        "{with} alarms"
    );
    assert!(without > rounds / 4, "without chunks, days are drift");
    assert!(found > rounds * 9 / 10, "a change far beyond that of the days is found");
}
