//! The values that the form starts with and that the OpenAPI description has as its example, so that a person can call the
//! model before typing anything.

use std::collections::HashMap;

use serde_json::Value;
use understudy_stats::{Baseline, ColumnRole, baseline::Values};

use super::predict_columns::{PredictColumn, json_type};
use crate::{
    api::Api,
    examples::Examples,
    tensor::{Data, Datatype},
};

/// A list with more elements is given by the one value that all of them have.
const WRITTEN_OUT: usize = 16;

/// Where the values come from.
pub(super) struct StartValues<'b> {
    /// The inputs in the training data, by name.
    training: HashMap<&'b str, &'b Values>,
    /// The version's own examples.
    examples: &'b Examples,
}

impl<'b> StartValues<'b> {
    pub(super) fn new(examples: &'b Examples, baseline: Option<&'b Baseline>) -> Self {
        let columns = baseline.map(Baseline::columns).unwrap_or_default().iter();
        let inputs = columns.filter(|column| column.role == ColumnRole::Input);
        Self { training: inputs.map(|column| (column.name.as_str(), &column.values)).collect(), examples }
    }

    /// Where the values come from, for people.
    pub(super) fn origin(&self) -> &'static str {
        if self.examples.count() > 0 {
            "The fields start with an example of this version."
        } else if self.training.is_empty() {
            "The fields start with neutral values, because the version has neither examples nor a baseline."
        } else {
            "The fields start with typical values of the training data: medians and most frequent categories."
        }
    }

    /// The value of a column: for a tensor a nested list, or one value that all elements have.
    pub(super) fn of(&self, column: &PredictColumn<'_>) -> Value {
        // The first source that knows the column decides.
        let value = self
            .recorded(column)
            .or_else(|| self.typical(column).filter(|_| self.examples.count() == 0))
            .unwrap_or_else(|| of_warm_up(column));
        if column.list && !value.is_array() && column.len() <= WRITTEN_OUT {
            filled(&value, &column.shape)
        } else {
            value
        }
    }

    /// The column's value in the first record of an example for `/predict`. `None` without such an example.
    fn recorded(&self, column: &PredictColumn<'_>) -> Option<Value> {
        let shown = self.examples.shown().iter().find(|shown| shown.api == Api::Predict)?;
        shown.request["records"][0].get(column.name).cloned()
    }

    /// The column's value in the training data: its median, or its most frequent category. `None` without a baseline that has
    /// the column.
    fn typical(&self, column: &PredictColumn<'_>) -> Option<Value> {
        match self.training.get(column.name)? {
            Values::Numeric { edges, counts } => number(median(edges, counts)?, column.datatype),
            Values::Categorical { counts, .. } => {
                // Of equally frequent ones the first.
                let (category, _) = counts.iter().rev().max_by_key(|(_, count)| *count)?;
                match column.datatype {
                    Datatype::Bytes => Some(Value::from(category.as_str())),
                    // A number or boolean has the same text in the baseline and in JSON.
                    _ => serde_json::from_str(category).ok(),
                }
            }
        }
    }
}

/// A list of this shape in which each element has this value.
pub(super) fn filled(value: &Value, shape: &[i64]) -> Value {
    match shape {
        [] => value.clone(),
        [extent, inner @ ..] => {
            Value::Array(vec![filled(value, inner); usize::try_from(*extent).unwrap_or_default()])
        }
    }
}

/// The median of a histogram. Values are taken to be evenly spread in their bin. It has four significant digits, or as many
/// as it needs to be in that bin.
fn median(edges: &[f64], counts: &[u64]) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "the digits that are lost are not shown")]
    let real = |count: u64| count as f64;
    let mut rest = real(total) / 2.0;
    for (edge, count) in edges.windows(2).zip(counts) {
        let count = real(*count);
        if count > 0.0 && rest <= count {
            let exact = edge[0] + (edge[1] - edge[0]) * rest / count;
            let short = |digits| format!("{exact:.digits$e}").parse().ok();
            let in_bin = |short: &f64| (edge[0]..=edge[1]).contains(short);
            return Some((3..16).filter_map(short).find(in_bin).unwrap_or(exact));
        }
        rest -= count;
    }
    None
}

/// A number of a baseline as a value of this datatype. `None` for a text.
fn number(number: f64, datatype: Datatype) -> Option<Value> {
    match json_type(datatype) {
        "boolean" => Some(Value::from(number >= 0.5)),
        "number" => Some(real(number)),
        // The text of a float without a fraction is that of a whole number. The addition makes -0 a 0.
        "integer" => serde_json::from_str(&format!("{:.0}", number.round() + 0.0)).ok(),
        _ => None,
    }
}

/// The column's value in the warm-up, with which the model runs. If the version has examples, it is that of the smallest one.
fn of_warm_up(column: &PredictColumn<'_>) -> Value {
    let at = |index| column.synthetic.and_then(|tensor| element(&tensor.data, column.position + index));
    let first = at(0).unwrap_or_else(|| zero(column.datatype));
    let count = column.len();
    // Only inputs of a few elements have different ones.
    if count > WRITTEN_OUT {
        return first;
    }
    let all: Vec<_> = (0..count).map(|index| at(index).unwrap_or_else(|| first.clone())).collect();
    if all.iter().all(|value| *value == first) { first } else { nested(&mut all.into_iter(), &column.shape) }
}

/// These elements as a list of this shape.
fn nested(elements: &mut impl Iterator<Item = Value>, shape: &[i64]) -> Value {
    match shape {
        [] => elements.next().unwrap_or_default(),
        [extent, inner @ ..] => (0..*extent).map(|_| nested(elements, inner)).collect(),
    }
}

fn zero(datatype: Datatype) -> Value {
    match json_type(datatype) {
        "boolean" => Value::from(false),
        "string" => Value::from(""),
        _ => Value::from(0),
    }
}

/// A number as a person writes it: 30 and not 30.0.
fn real(number: f64) -> Value {
    serde_json::from_str(&number.to_string()).unwrap_or_else(|_| Value::from(number))
}

fn element(data: &Data, index: usize) -> Option<Value> {
    Some(match data {
        Data::Bool(all) => (*all.get(index)?).into(),
        Data::Uint8(all) => (*all.get(index)?).into(),
        Data::Uint16(all) => (*all.get(index)?).into(),
        Data::Uint32(all) => (*all.get(index)?).into(),
        Data::Uint64(all) => (*all.get(index)?).into(),
        Data::Int8(all) => (*all.get(index)?).into(),
        Data::Int16(all) => (*all.get(index)?).into(),
        Data::Int32(all) => (*all.get(index)?).into(),
        Data::Int64(all) => (*all.get(index)?).into(),
        Data::Fp16(all) => real(all.get(index)?.to_f64()),
        Data::Bf16(all) => real(all.get(index)?.to_f64()),
        Data::Fp32(all) => real(f64::from(*all.get(index)?)),
        Data::Fp64(all) => real(*all.get(index)?),
        Data::Bytes(all) => all.get(index)?.as_str().into(),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::tensor::Tensor;

    fn column<'m>(name: &'m str, datatype: Datatype, shape: &[i64]) -> PredictColumn<'m> {
        let (list, shape) = (!shape.is_empty(), shape.to_vec());
        PredictColumn { name, datatype, list, shape, features: None, synthetic: None, position: 0 }
    }

    fn baseline() -> Baseline {
        let columns = json!([
            {"role": "output", "name": "age", "kind": "numeric", "edges": [900, 901], "counts": [5]},
            {"role": "input", "name": "age", "kind": "numeric", "edges": [0, 20, 40, 100], "counts": [2, 4, 2]},
            {"role": "input", "name": "rare", "kind": "numeric", "edges": [0, 1, 2], "counts": [3, 1]},
            {"role": "input", "name": "country", "kind": "categorical", "counts": {"BE": 5, "AT": 7, "NL": 7}},
            {"role": "input", "name": "code", "kind": "categorical", "counts": {"3": 1, "17": 9}},
            {"role": "input", "name": "insured", "kind": "categorical", "counts": {"false": 1, "true": 9}},
        ]);
        Baseline::parse(json!({"version": 1, "columns": columns}).to_string().as_bytes()).unwrap()
    }

    #[rstest]
    #[case::a_median("age", Datatype::Fp32, json!(30))]
    #[case::a_whole_number("age", Datatype::Int64, json!(30))]
    #[case::four_digits("rare", Datatype::Fp64, json!(0.6667))]
    #[case::a_boolean_counted_as_numbers("rare", Datatype::Bool, json!(true))]
    #[case::the_first_of_the_most_frequent("country", Datatype::Bytes, json!("AT"))]
    #[case::a_category_that_is_a_number("code", Datatype::Int32, json!(17))]
    #[case::a_category_that_looks_like_a_number("code", Datatype::Bytes, json!("17"))]
    #[case::a_boolean("insured", Datatype::Bool, json!(true))]
    #[case::unknown_to_the_baseline("height", Datatype::Fp32, json!(0))]
    #[case::numbers_for_a_text("age", Datatype::Bytes, json!(""))]
    fn a_field_starts_with_what_is_usual_in_the_training_data(
        #[case] name: &str,
        #[case] datatype: Datatype,
        #[case] expected: Value,
    ) {
        assert_eq!(
            StartValues::new(&Examples::default(), Some(&baseline())).of(&column(name, datatype, &[])),
            expected
        );
    }

    fn without_baseline(column: &PredictColumn<'_>) -> Value {
        StartValues::new(&Examples::default(), None).of(column)
    }

    #[test]
    fn without_a_baseline_a_field_starts_with_the_value_of_the_warm_up() {
        let tensor = Tensor { shape: vec![1, 3], data: Data::Int64(vec![4, 6, 9]) };
        let feature =
            PredictColumn { synthetic: Some(&tensor), position: 1, ..column("age", Datatype::Int64, &[]) };
        assert_eq!(without_baseline(&feature), json!(6));
        let list = PredictColumn { synthetic: Some(&tensor), ..column("shape", Datatype::Int64, &[3]) };
        assert_eq!(without_baseline(&list), json!([4, 6, 9]));
        assert_eq!(without_baseline(&column("x", Datatype::Bool, &[])), json!(false));
    }

    #[test]
    fn a_small_list_is_written_out_and_a_large_one_is_one_value() {
        assert_eq!(without_baseline(&column("x", Datatype::Fp32, &[2, 2])), json!([[0, 0], [0, 0]]));
        assert_eq!(
            StartValues::new(&Examples::default(), Some(&baseline())).of(&column(
                "age",
                Datatype::Fp32,
                &[3]
            )),
            json!([30, 30, 30])
        );
        assert_eq!(without_baseline(&column("x", Datatype::Fp32, &[3, 224, 224])), json!(0));
        assert_eq!(without_baseline(&column("x", Datatype::Fp32, &[i64::MAX, i64::MAX])), json!(0));
    }

    #[test]
    fn a_median_stays_in_its_bin() {
        assert_eq!(median(&[1.00001, 1.00002], &[1]), Some(1.000_01));
        assert_eq!(median(&[0.0, 1.0, 2.0, 3.0], &[1, 0, 1]), Some(1.0));
        assert_eq!(median(&[-8.0, -4.0], &[3]), Some(-6.0));
    }
}
