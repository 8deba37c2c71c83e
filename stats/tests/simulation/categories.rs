//! A column with many categories, some of them rare in the training data.

use understudy_stats::{ColumnDrift, ColumnKind, ColumnRole, Known};

use crate::{
    drift::RULES,
    world::{Categories, random},
};

/// The column with these counts in the training data and in the calls. The last count is that of all other categories.
fn column(mut expected: Vec<u64>, mut observed: Vec<u64>, listed: usize) -> ColumnDrift {
    for counts in [&mut expected, &mut observed] {
        let other = counts.split_off(listed.min(counts.len())).iter().sum();
        counts.push(other);
    }
    ColumnDrift::new(ColumnRole::Input, "shop", ColumnKind::Categorical, [expected, observed])
}

fn alarms(column: &ColumnDrift) -> bool {
    let judged = column.judge(&RULES, Known::default());
    judged.shift.is_some() || !judged.issues.is_empty()
}

// 60 of 60 windows had an alarm.
#[test]
fn categories_that_training_saw_rarely_make_no_drift_where_there_is_none() {
    let shops = Categories::zipf(200);
    let mut found = 0;
    for round in 0..8 {
        let mut random = random("rare categories", round);
        let training = shops.counts(1_000, &mut random);
        for _ in 0..60 {
            let calls = shops.counts(10_000, &mut random);
            // The baseline lists the categories that training has seen. A category of the calls only is another one.
            let seen: Vec<usize> = (0..training.len()).filter(|shop| training[*shop] > 0).collect();
            let unseen = (0..training.len()).filter(|shop| training[*shop] == 0);
            let order: Vec<usize> = seen.iter().copied().chain(unseen).collect();
            let ordered = |counts: &[u64]| order.iter().map(|shop| counts[*shop]).collect::<Vec<_>>();
            found += u32::from(alarms(&column(ordered(&training), ordered(&calls), seen.len())));
        }
    }
    assert_eq!(found, 0, "of 480 windows without drift");
}

#[test]
fn a_frequent_category_that_vanishes_and_a_frequent_new_one_are_drift() {
    let mut random = random("new category", 0);
    let training = Categories::zipf(200).counts(1_000, &mut random);
    let weight = |rank: u32| if rank == 2 { 0.0 } else { 1.0 / f64::from(rank) };
    let vanished = Categories::of((1..=200).map(weight)).counts(10_000, &mut random);
    assert!(alarms(&column(training.clone(), vanished, 200)));
    let weight = |rank: u32| if rank == 201 { 5.0 } else { 1.0 / f64::from(rank) };
    let appeared = Categories::of((1..=201).map(weight)).counts(10_000, &mut random);
    assert!(alarms(&column(training, appeared, 200)));
}
