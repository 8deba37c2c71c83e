use super::*;

fn side(right: bool) -> Side<'static> {
    Side { right, class: None }
}

fn row(main: bool, challenger: Option<bool>) -> OutcomeRow<'static> {
    OutcomeRow { class: None, main: side(main), challenger: challenger.map(side) }
}

#[test]
fn both_versions_are_compared_on_the_rows_that_both_have_answered() {
    let mut outcomes = Outcomes::default();
    assert_eq!(outcomes.accuracy(Role::Main), None);
    outcomes.join([row(true, None)]);
    assert_eq!((outcomes.correct(Role::Main), outcomes.compared(Role::Main)), (1, 1));
    assert_eq!((outcomes.accuracy(Role::Challenger), outcomes.difference()), (None, None));
    outcomes.join([row(true, Some(false))]);
    outcomes.join([row(false, Some(true)), row(false, Some(true))]);
    assert_eq!(outcomes.joined(), 4);
    assert_eq!((outcomes.correct(Role::Main), outcomes.compared(Role::Main)), (1, 3));
    assert_eq!((outcomes.correct(Role::Challenger), outcomes.compared(Role::Challenger)), (2, 3));
    assert_eq!(outcomes.accuracy(Role::Challenger).map(|accuracy| accuracy.value), Some(2.0 / 3.0));
    assert!(outcomes.difference().is_some_and(|better| (better.value - 1.0 / 3.0).abs() < 1e-12));

    let mut merged = outcomes.clone();
    merged.merge(&outcomes);
    assert_eq!((merged.joined(), merged.correct(Role::Challenger), merged.compared(Role::Main)), (8, 4, 6));
    merged.forget_challenger();
    assert_eq!((merged.accuracy(Role::Challenger), merged.p_value()), (None, None));
    assert_eq!((merged.correct(Role::Main), merged.compared(Role::Main)), (4, 8));
}

/// Rows of calls: the class, what main predicts, and what the challenger predicts.
fn joined(rows: &[(&str, &str, &str)]) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for (class, main, challenger) in rows {
        outcomes.join([OutcomeRow {
            class: Some(class),
            main: Side { right: main == class, class: Some(main) },
            challenger: Some(Side { right: challenger == class, class: Some(challenger) }),
        }]);
    }
    outcomes
}

fn repeated<'n>(times: usize, row: (&'n str, &'n str, &'n str)) -> Vec<(&'n str, &'n str, &'n str)> {
    vec![row; times]
}

// scikit-learn 1.9.1: precision_recall_fscore_support(class, main), balanced_accuracy_score and confusion_matrix of these rows
#[test]
fn precision_recall_and_f1_of_each_class_are_those_of_scikit_learn() {
    let rows = [
        repeated(5, ("cat", "cat", "cat")),
        repeated(2, ("cat", "dog", "cat")),
        repeated(1, ("dog", "cat", "owl")),
        repeated(6, ("dog", "dog", "dog")),
        repeated(3, ("owl", "owl", "dog")),
        repeated(1, ("owl", "dog", "owl")),
    ]
    .concat();
    let outcomes = joined(&rows);
    assert_eq!(outcomes.classes(), ["cat", "dog", "owl"]);
    let value = |of: Option<Estimate>| of.map_or(f64::NAN, |of| of.value);
    for (class, support, precision, recall, f1) in [
        ("cat", 7, 0.833_333_333_333_333_4, 0.714_285_714_285_714_3, 0.769_230_769_230_769_2),
        ("dog", 7, 0.666_666_666_666_666_6, 0.857_142_857_142_857_1, 0.75),
        ("owl", 4, 1.0, 0.75, 0.857_142_857_142_857_1),
    ] {
        let scores = outcomes.scores(Role::Main, class);
        assert_eq!(outcomes.support(class), support);
        for (found, expected) in [(scores.precision, precision), (scores.recall, recall), (scores.f1, f1)] {
            assert!((value(found) - expected).abs() < 1e-12, "{class}: {found:?} is not {expected}");
            assert!(found.is_some_and(|of| of.low < of.value && of.value <= of.high), "{found:?}");
        }
    }
    let balanced = value(outcomes.balanced_accuracy(Role::Main));
    assert!((balanced - 0.773_809_523_809_523_8).abs() < 1e-12, "{balanced}");
    let confusion = outcomes.confusion();
    let wrong =
        confusion.iter().find(|cell| (cell.class.as_str(), cell.predicted.as_str()) == ("owl", "dog"));
    assert_eq!(wrong.map(|cell| (cell.main, cell.challenger)), Some((1, 3)));
    assert_eq!(confusion.iter().map(|cell| cell.main).sum::<u64>(), 18);
}

#[test]
fn a_constant_no_has_a_high_accuracy_and_recognizes_no_fraud() {
    let rows = [repeated(990, ("no", "no", "no")), repeated(10, ("fraud", "no", "fraud"))].concat();
    let outcomes = joined(&rows);
    assert!(outcomes.accuracy(Role::Main).is_some_and(|of| of.value > 0.98));
    assert!(outcomes.balanced_accuracy(Role::Main).is_some_and(|of| (of.value - 0.5).abs() < 1e-12));
    let fraud = outcomes.scores(Role::Main, "fraud");
    assert_eq!(fraud.precision, None, "it was never predicted");
    assert!(fraud.recall.is_some_and(|of| of.value < 1e-12 && of.high < 0.3), "{fraud:?}");
    assert!(outcomes.balanced_difference().is_some_and(|more| more.low > 0.4), "the challenger finds it");
}

#[test]
fn pods_that_have_seen_the_classes_in_another_order_are_added_by_name() {
    let (one, two) =
        ([("a", "a", "b"), ("b", "a", "b")], [("b", "b", "b"), ("c", "b", "c"), ("a", "a", "a")]);
    let mut merged = joined(&one);
    merged.merge(&joined(&two));
    let all = joined(&[&one[..], &two[..]].concat());
    assert_eq!((merged.classes(), merged.confusion()), (all.classes(), all.confusion()));
    let value = |of: &Outcomes| of.balanced_accuracy(Role::Main).map(|of| of.value);
    assert_eq!(value(&merged), value(&all));
}

#[test]
fn of_many_classes_some_are_counted_by_themselves_and_the_others_together() {
    let names: Vec<String> = (10..60).map(|number| number.to_string()).collect();
    let rows: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_str(), "10")).collect();
    let outcomes = joined(&rows);
    assert_eq!(outcomes.classes().len(), classes::MOST_CLASSES + 1);
    assert_eq!(outcomes.support(classes::OTHER), 50 - classes::MOST_CLASSES as u64);
    assert_eq!(outcomes.correct(Role::Main), 50, "accuracy knows all classes");
}
