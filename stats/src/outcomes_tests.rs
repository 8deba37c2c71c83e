use super::*;

fn side(right: bool) -> Side<'static> {
    Side { right, class: None, scores: &[] }
}

fn row(main: bool, challenger: Option<bool>) -> OutcomeRow<'static> {
    OutcomeRow { class: None, main: side(main), challenger: challenger.map(side), value: None }
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
            main: Side { right: main == class, class: Some(main), scores: &[] },
            challenger: Some(Side { right: challenger == class, class: Some(challenger), scores: &[] }),
            value: None,
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

/// Rows of three classes with scores and values: main is mostly sure of the right one, the challenger less so.
fn scored(outcomes: &mut Outcomes, calls: std::ops::Range<u64>) {
    let classes = ["a", "b", "c"];
    for call in calls {
        let row = usize::try_from(call % 3).expect("at most 2");
        let mut main = [0.1_f32, 0.1, 0.1];
        let mut challenger = [0.3_f32, 0.3, 0.3];
        main[if call % 7 == 0 { (row + 1) % 3 } else { row }] = 0.8;
        challenger[if call % 5 == 0 { (row + 1) % 3 } else { row }] = 0.4;
        let side = |scores| Side { right: call % 7 != 0, class: Some(classes[row]), scores };
        outcomes.join([OutcomeRow {
            class: Some(classes[row]),
            main: side(&main),
            challenger: Some(side(&challenger)),
            value: (call % 2 == 0).then_some(2.5),
        }]);
    }
}

fn three_classes() -> Outcomes {
    Outcomes::of_classes(&["a", "b", "c"].map(str::to_owned))
}

#[test]
fn each_of_several_classes_has_an_auc_and_all_together_a_log_loss() {
    let mut outcomes = three_classes();
    scored(&mut outcomes, 0..210);
    for class in ["a", "b", "c"] {
        let [main, challenger] =
            Role::ALL.map(|role| outcomes.auc(role, class).expect("there are scores").value);
        assert!(main > challenger && challenger > 0.5, "{class}: {main} {challenger}");
        assert!(outcomes.auc_difference(class).is_some_and(|difference| difference.value < 0.0));
    }
    // A seventh of main's rows has a loss of ln 10, the others one of -ln 0.8.
    let loss = outcomes.log_loss(Role::Main).expect("there are scores");
    let expected = (10_f64.ln() - 6.0 * 0.8_f64.ln()) / 7.0;
    assert!((loss.value - expected).abs() < 1e-6 && loss.low < loss.value, "{loss:?}");
    assert!(outcomes.log_loss_difference().is_some_and(|difference| difference.low > 0.0));
    assert_eq!(outcomes.calibration(Role::Main), [], "a curve is for two classes");
    assert_eq!(outcomes.left_out(), 0);
}

#[test]
fn the_value_of_rows_tells_what_being_right_was_worth() {
    let mut outcomes = Outcomes::default();
    for (right, value) in [(true, 10.0), (false, 90.0), (true, 50.0), (true, 50.0)] {
        let side = |right| Side { right, class: None, scores: &[] };
        let challenger = Some(side(true));
        outcomes.join([OutcomeRow { class: None, main: side(right), challenger, value: Some(value) }]);
    }
    assert!((outcomes.value() - 200.0).abs() < 1e-9);
    let share = |role| outcomes.value_share(role).expect("there are values").value;
    assert!((share(Role::Main) - 0.55).abs() < 1e-12 && (share(Role::Challenger) - 1.0).abs() < 1e-12);
    assert!(outcomes.value_difference().is_some_and(|difference| (difference.value - 0.45).abs() < 1e-12));
}

#[test]
fn scores_that_are_no_probabilities_are_left_out_and_counted() {
    let mut outcomes = Outcomes::of_classes(&["fine", "fraud"].map(str::to_owned));
    for scores in [[0.2_f32], [-3.5], [f32::NAN]] {
        let main = Side { right: true, class: Some("fine"), scores: &scores };
        outcomes.join([OutcomeRow { class: Some("fine"), main, challenger: None, value: None }]);
    }
    assert_eq!((outcomes.left_out(), outcomes.joined()), (2, 3));
    assert_eq!(outcomes.calibration(Role::Main).iter().map(|tenth| tenth.rows).sum::<u64>(), 1);
}

#[test]
fn scores_numbers_and_values_of_two_pods_are_those_of_one_pod_with_all_calls() {
    let (mut one, mut two, mut whole) = (three_classes(), Outcomes::default(), three_classes());
    scored(&mut one, 0..64);
    let mut other = three_classes();
    scored(&mut other, 0..32);
    two.merge(&other);
    one.merge(&two);
    scored(&mut whole, 0..64);
    scored(&mut whole, 0..32);
    assert_eq!(one.auc(Role::Main, "b"), whole.auc(Role::Main, "b"));
    assert_eq!(
        one.log_loss(Role::Challenger).map(|of| of.value),
        whole.log_loss(Role::Challenger).map(|of| of.value)
    );
    assert!((one.value() - whole.value()).abs() < 1e-9);

    let row = |call: u32| NumberRow {
        outcome: f64::from(call % 10),
        main: f64::from(call % 10) + 0.5,
        challenger: Some(f64::from(call % 9)),
    };
    let (mut one, mut two, mut whole) = (Outcomes::default(), Outcomes::default(), Outcomes::default());
    (0..64).for_each(|call| one.join_numbers([row(call)]));
    (0..32).for_each(|call| two.join_numbers([row(call)]));
    one.merge(&two);
    (0..64).chain(0..32).for_each(|call| whole.join_numbers([row(call)]));
    let (merged, all) = (one.errors(Role::Main), whole.errors(Role::Main));
    let value = |of: Option<Estimate>| of.expect("there are rows").value;
    assert!((value(merged.mae) - 0.5).abs() < 1e-12 && (value(merged.bias) - value(all.bias)).abs() < 1e-12);
    assert!((value(merged.r2) - value(all.r2)).abs() < 1e-12 && one.numbers() == 96);
    one.forget_challenger();
    assert_eq!((one.errors(Role::Challenger).mae, one.error_differences()), (None, [None, None]));
}

// Labels from 1 to 3 and scores from 0 to 2: the scores of class 1 would be those of class 0.
#[test]
fn scores_are_not_evaluated_if_a_class_has_none() {
    let mut outcomes = Outcomes::of_classes(&["0", "1", "2"].map(str::to_owned));
    for class in ["1", "2", "3", "1", "2"] {
        let side = Side { right: true, class: Some(class), scores: &[0.2, 0.3, 0.5] };
        outcomes.join([OutcomeRow { class: Some(class), main: side, challenger: None, value: None }]);
    }
    assert_eq!((outcomes.log_loss(Role::Main), outcomes.auc(Role::Main, "1")), (None, None));
    let mut other = Outcomes::of_classes(&["0", "1", "2"].map(str::to_owned));
    scored(&mut other, 0..0);
    other.merge(&outcomes);
    assert_eq!((other.log_loss(Role::Main), other.left_out()), (None, outcomes.left_out()));
    assert_eq!(outcomes.left_out(), 3);
}

// The counts of a broken pod must not stop the operator.
#[test]
fn counts_of_scores_of_any_shape_and_size_do_not_panic() {
    let most = u64::MAX;
    for scores in [
        serde_json::json!({"classes": ["a", "b", "c"]}),
        serde_json::json!({"classes": ["a", "b"], "alone": [], "paired": [[]]}),
        serde_json::json!({"classes": ["a", "b"], "alone": [[[[255, most, most], [3, most, most]], [[3, 1, most]]]]}),
    ] {
        let mut outcomes: Outcomes =
            serde_json::from_value(serde_json::json!({"scores": scores})).expect("the shape is right");
        for _ in 0..2 {
            for role in Role::ALL {
                assert!(outcomes.auc(role, "b").is_none_or(|auc| auc.value <= 1.0));
                assert!(outcomes.calibration(role).iter().all(|tenth| tenth.share.value <= 1.0));
                assert_eq!(outcomes.log_loss(role), None);
            }
            assert_eq!(outcomes.auc_difference("b"), None);
            outcomes.merge(&outcomes.clone());
        }
    }
}
