use super::*;

fn port(name: &str, datatype: Datatype, shape: &[i64]) -> Port {
    Port { name: name.into(), datatype, shape: shape.into() }
}

fn fields(inputs: Vec<Port>, outputs: Vec<Port>, features: &[&str], redact: &[&str]) -> Arc<Fields> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let signature = Signature { inputs, outputs };
    let columns = Columns::of(&signature, Some(&owned(features)));
    Fields::of(&signature, &columns, &owned(redact))
}

fn names(fields: &Fields) -> Vec<&str> {
    fields.list.iter().skip(Fixed::ALL.len()).map(|field| field.name.as_str()).collect()
}

#[test]
fn inputs_come_first_then_the_outputs_of_main_then_those_of_the_challenger() {
    let outputs = vec![port("label", Datatype::Int64, &[-1]), port("scores", Datatype::Fp32, &[-1, 2])];
    let fields = fields(vec![port("x", Datatype::Fp32, &[-1, 2])], outputs, &["age", "amount"], &[]);
    assert_eq!(
        names(&fields),
        ["input_age", "input_amount", "main_label", "main_scores", "challenger_label", "challenger_scores"]
    );
    let fixed: Vec<_> = fields.list.iter().take(15).map(|field| field.name.as_str()).collect();
    assert_eq!(fixed[..3], ["id", "time", "deployment"]);
    let required: Vec<_> = fields
        .schema
        .fields()
        .iter()
        .filter(|field| !field.is_nullable())
        .map(|field| field.name())
        .collect();
    assert_eq!(
        required,
        ["id", "time", "deployment", "main_version", "main_digest", "rows", "main_status"],
        "a column whose value can be missing is nullable"
    );
}

#[test]
fn names_that_collide_get_the_same_number_for_main_and_challenger() {
    let inputs = vec![port("Age", Datatype::Fp32, &[-1, 1]), port("age", Datatype::Fp32, &[-1, 1])];
    let outputs = vec![port("status", Datatype::Int64, &[-1]), port("dropped", Datatype::Int64, &[-1])];
    let fields = fields(inputs, outputs, &[], &[]);
    assert_eq!(
        names(&fields),
        [
            "input_Age",
            "input_age_2",
            "main_status_2",
            "main_dropped_2",
            "challenger_status_2",
            "challenger_dropped_2"
        ]
    );
}

#[test]
fn a_shape_is_recorded_if_it_does_not_follow_from_the_number_of_values() {
    let inputs = vec![port("image", Datatype::Uint8, &[-1, 3, -1, -1]), port("x", Datatype::Fp32, &[-1, 9])];
    let fields = fields(inputs, vec![port("boxes", Datatype::Fp32, &[-1, -1, 4])], &[], &[]);
    assert_eq!(
        names(&fields),
        [
            "input_image",
            "input_x",
            "input_image_shape",
            "main_boxes",
            "main_boxes_shape",
            "challenger_boxes",
            "challenger_boxes_shape"
        ]
    );
}

/// Protects people whose values must not be recorded, whichever name of the column the rule has.
#[test]
fn a_redacted_name_removes_every_column_that_it_could_mean() {
    let with = |redact: &[&str]| {
        let outputs = vec![port("score", Datatype::Fp32, &[-1])];
        fields(vec![port("x", Datatype::Fp32, &[-1, 3])], outputs, &["age", "amount", "age"], redact)
    };
    let all =
        ["input_age", "input_amount", "input_age_2", "main_score", "challenger_score"].map(str::to_owned);
    let left = |redact: &[&str]| names(&with(redact)).into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(left(&[]), all);
    assert_eq!(left(&["age"]), [&all[1], &all[3], &all[4]].map(Clone::clone), "both columns of that name");
    assert_eq!(left(&["x"]), all[3..], "all features of the input");
    assert_eq!(left(&["score"]), all[..3], "for main and challenger");
    assert_eq!(left(&["main_score"]), all[..3], "a redacted output is missing for main and challenger");
    assert_eq!(left(&["input_amount"]), [&all[0], &all[2], &all[3], &all[4]].map(Clone::clone));
    let error = with(&["main_error", "id"]);
    assert!(
        error.schema.field_with_name("main_error").is_err() && error.schema.field_with_name("id").is_err()
    );
}

#[test]
fn a_redacted_name_means_a_feature_before_it_means_a_fixed_column() {
    let fields = fields(vec![port("x", Datatype::Fp32, &[-1, 2])], vec![], &["id", "time"], &["id", "time"]);
    assert_eq!(names(&fields), [""; 0]);
    let fixed: Vec<_> = fields.list.iter().take(2).map(|field| field.name.as_str()).collect();
    assert_eq!(fixed, ["id", "time"], "the fixed columns id and time stay");
}

#[test]
fn a_redacted_name_that_no_column_has_is_reported() {
    let fields = fields(vec![port("x", Datatype::Fp32, &[-1, 3])], vec![], &[], &["x", "aeg", "time"]);
    assert_eq!(fields.unknown, ["aeg", "time"], "time cannot be redacted");
}
