use super::*;

const MAX_ELEMENTS: usize = 4096;

fn port(name: &str, datatype: Datatype, shape: &[i64]) -> Port {
    Port::new(name, datatype, shape)
}

fn fields(inputs: Vec<Port>, outputs: Vec<Port>, features: &[&str], redact: &[&str]) -> Arc<Fields> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let signature = Signature { inputs, outputs };
    let columns = Columns::of(&signature, Some(&owned(features)));
    Fields::of(&signature, &columns, &owned(redact), MAX_ELEMENTS)
}

/// The columns of the model.
fn names(fields: &Fields) -> Vec<&str> {
    fields.list.iter().skip(Fixed::ALL.len()).map(|field| field.name.as_str()).collect()
}

/// The columns with the values of the model.
fn values(fields: &Fields) -> Vec<&str> {
    let has_values = |field: &&Field| matches!(field.source, ValueSource::Values(..));
    fields.list.iter().filter(has_values).map(|field| field.name.as_str()).collect()
}

#[test]
fn inputs_come_first_then_the_outputs_of_main_then_those_of_the_challenger() {
    let outputs = vec![port("label", Datatype::Int64, &[-1]), port("scores", Datatype::Fp32, &[-1, 2])];
    let fields = fields(vec![port("x", Datatype::Fp32, &[-1, 2])], outputs, &["age", "amount"], &[]);
    assert_eq!(
        values(&fields),
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
        values(&fields),
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
fn a_tensor_that_can_be_too_large_for_a_row_has_columns_for_its_shape_and_its_sha256() {
    let inputs = vec![
        port("image", Datatype::Uint8, &[-1, 3, -1, -1]),
        port("fixed", Datatype::Fp32, &[1, 10]),
        port("large", Datatype::Fp32, &[1, 11]),
        Port::of_any_shape("any", Datatype::Fp32),
    ];
    let signature = Signature { inputs, outputs: vec![port("label", Datatype::Int64, &[-1])] };
    let fields = Fields::of(&signature, &Columns::of(&signature, None), &[], 10);
    assert_eq!(
        names(&fields),
        [
            "input_image",
            "input_fixed",
            "input_large",
            "input_any",
            "input_image_shape",
            "input_image_sha256",
            "input_large_shape",
            "input_large_sha256",
            "input_any_shape",
            "input_any_sha256",
            "main_label",
            "main_label_shape",
            "main_label_sha256",
            "challenger_label",
            "challenger_label_shape",
            "challenger_label_sha256",
        ]
    );
}

/// Protects a value that could be guessed from the SHA-256 and the other values.
#[test]
fn the_sha256_of_a_tensor_is_redacted_with_any_part_of_the_tensor() {
    for (redact, expected) in [
        (&["age"][..], false),
        (&["input_amount"], false),
        (&["x"], false),
        (&["input_x_sha256"], false),
        (&["y"], true),
    ] {
        let outputs = vec![port("y", Datatype::Fp32, &[-1])];
        let fields = fields(vec![port("x", Datatype::Fp32, &[-1, 2])], outputs, &["age", "amount"], redact);
        assert_eq!(names(&fields).contains(&"input_x_sha256"), expected, "{redact:?}");
        assert_eq!(names(&fields).contains(&"challenger_y_sha256"), !expected, "{redact:?}");
    }
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
    let left = |redact: &[&str]| values(&with(redact)).into_iter().map(str::to_owned).collect::<Vec<_>>();
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
    assert_eq!(values(&fields), [""; 0]);
    let fixed: Vec<_> = fields.list.iter().take(2).map(|field| field.name.as_str()).collect();
    assert_eq!(fixed, ["id", "time"], "the fixed columns id and time stay");
}

#[test]
fn a_redacted_name_that_no_column_has_is_reported() {
    let fields = fields(vec![port("x", Datatype::Fp32, &[-1, 3])], vec![], &[], &["x", "aeg", "time"]);
    assert_eq!(fields.unknown, ["aeg", "time"], "time cannot be redacted");
}
