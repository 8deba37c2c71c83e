//! The labels of a model: those that it answers, and those that an outcome names.

use std::{
    fmt::Display,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::Value;

use super::comparison::is_label;
use crate::{
    signature::{Port, Signature},
    tensor::{Datatype, Tensor, each_datatype},
};

/// Classes that an error message lists.
const LISTED: usize = 10;

/// The output that outcomes are about: the first one with labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelOutput {
    output: usize,
    name: String,
    datatype: Datatype,
    /// The classes of the model, if it names them.
    classes: Option<Vec<String>>,
}

impl LabelOutput {
    /// The output of a model with this signature. `None` if it has no labels.
    #[must_use]
    pub fn of(signature: &Signature) -> Option<Self> {
        let (output, port) =
            signature.outputs.iter().enumerate().find(|(_, port)| is_label(port.datatype))?;
        let names =
            |port: &Port| Some(port.classes.as_ref()?.names.clone()).filter(|names| !names.is_empty());
        Some(Self {
            output,
            name: port.name.clone(),
            datatype: port.datatype,
            classes: signature.outputs.iter().find_map(names),
        })
    }

    /// The tensor of this output.
    #[must_use]
    pub fn in_outputs<'t>(&self, outputs: &'t [Tensor]) -> Option<&'t Tensor> {
        outputs.get(self.output)
    }

    /// The labels of an outcome as texts: one, or those of a list. Fails with a sentence about the first one that this
    /// output cannot have: of another type, or no class of the model.
    pub fn texts(&self, label: &Value) -> Result<Vec<String>, String> {
        match label {
            Value::Array(labels) => labels.iter().map(|label| self.text(label)).collect(),
            label => Ok(vec![self.text(label)?]),
        }
    }

    /// Whether its labels are whole numbers.
    #[must_use]
    pub fn has_whole_numbers(&self) -> bool {
        !matches!(self.datatype, Datatype::Bool | Datatype::Bytes)
    }

    fn text(&self, label: &Value) -> Result<String, String> {
        let text = match (label, self.datatype) {
            (Value::String(text), Datatype::Bytes) => Some(text.clone()),
            (Value::Bool(truth), Datatype::Bool) => Some(truth.to_string()),
            // A CSV file has only texts.
            (Value::String(text), Datatype::Bool) => text.parse::<bool>().ok().map(|truth| truth.to_string()),
            (_, Datatype::Bool | Datatype::Bytes) => None,
            (Value::String(text), _) => text.parse::<i128>().ok().map(|number| number.to_string()),
            (Value::Number(number), _) => whole(number),
            _ => None,
        };
        let Some(text) = text else {
            return Err(format!(
                "the output `{}` has {}, not {}",
                self.name,
                self.values(),
                described(label)
            ));
        };
        if let Some(classes) = &self.classes
            && !classes.contains(&text)
        {
            let listed: Vec<_> = classes.iter().take(LISTED).map(|class| format!("`{class}`")).collect();
            let more = if classes.len() > LISTED { ", …" } else { "" };
            return Err(format!("the model has no class `{text}`; it has {}{more}", listed.join(", ")));
        }
        Ok(text)
    }

    fn values(&self) -> &'static str {
        match self.datatype {
            Datatype::Bytes => "texts",
            Datatype::Bool => "booleans",
            _ => "whole numbers",
        }
    }
}

/// A whole number as text.
#[expect(clippy::float_cmp, reason = "a whole number is exactly its own rounding")]
fn whole(number: &serde_json::Number) -> Option<String> {
    if number.is_f64() {
        let number = number.as_f64()?;
        return (number.trunc() == number).then(|| format!("{number:.0}"));
    }
    Some(number.to_string())
}

/// What an outcome has instead of a label, for a message.
pub(super) fn described(label: &Value) -> String {
    match label {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => format!("the boolean {truth}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text `{text}`"),
        Value::Array(_) => "a list in a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// The labels in `tensor`, as hashes of their texts. `seen` gets each text with its hash.
#[must_use]
pub fn hashes_of(tensor: &Tensor, mut seen: impl FnMut(u64, &str)) -> Vec<u64> {
    let mut hash_of = |value: &dyn Display| {
        let text = value.to_string();
        let hash = hash(&text);
        seen(hash, &text);
        hash
    };
    each_datatype!(&tensor.data, elements => elements.iter().map(|value| hash_of(value)).collect())
}

/// A hash of `text`.
#[must_use]
pub fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::{signature::Classes, tensor::Data};

    fn output(datatype: Datatype, classes: &[&str]) -> LabelOutput {
        let names = classes.iter().map(|name| (*name).to_owned()).collect();
        let scores = Port {
            classes: Some(Classes { are_numbers: false, names }),
            ..Port::new("scores", Datatype::Fp32, &[-1, -1])
        };
        let outputs = vec![scores, Port::new("label", datatype, &[-1])];
        LabelOutput::of(&Signature { inputs: Vec::new(), outputs }).unwrap()
    }

    #[rstest]
    #[case::a_number(Data::Int64(vec![1]), json!(1))]
    #[case::a_number_in_a_text(Data::Int64(vec![1]), json!("1"))]
    #[case::a_number_with_a_point(Data::Int32(vec![1]), json!(1.0))]
    #[case::the_largest_number(Data::Uint64(vec![u64::MAX]), json!(u64::MAX))]
    #[case::a_boolean(Data::Bool(vec![true]), json!(true))]
    #[case::a_boolean_in_a_text(Data::Bool(vec![true]), json!("true"))]
    #[case::a_text(Data::Bytes(vec!["NL".to_owned()]), json!("NL"))]
    fn a_label_is_the_same_in_every_notation(#[case] answered: Data, #[case] written: Value) {
        let tensor = Tensor { shape: vec![1], data: answered };
        let output = output(tensor.data.datatype(), &[]);
        let texts = output.texts(&written).unwrap();
        let hashes: Vec<u64> = texts.iter().map(|text| hash(text)).collect();
        let mut seen = Vec::new();
        assert_eq!(hashes_of(&tensor, |_, text| seen.push(text.to_owned())), hashes);
        assert_eq!(seen, texts);
    }

    // They counted as wrong predictions.
    #[rstest]
    #[case(Datatype::Int64, json!(true), "has whole numbers, not the boolean true")]
    #[case(Datatype::Int64, json!("fraud"), "has whole numbers, not the text `fraud`")]
    #[case(Datatype::Int64, json!(0.5), "has whole numbers, not the number 0.5")]
    #[case(Datatype::Bool, json!(1), "has booleans, not the number 1")]
    #[case(Datatype::Bytes, json!(1), "has texts, not the number 1")]
    #[case(Datatype::Bytes, json!(null), "has texts, not null")]
    #[case(Datatype::Bytes, json!([["a"]]), "has texts, not a list in a list")]
    fn a_label_of_another_type_is_refused(
        #[case] datatype: Datatype,
        #[case] label: Value,
        #[case] expected: &str,
    ) {
        let message = output(datatype, &[]).texts(&label).unwrap_err();
        assert!(message.ends_with(expected) && message.starts_with("the output `label` "), "{message}");
    }

    #[test]
    fn a_label_that_is_no_class_of_the_model_is_refused() {
        let output = output(Datatype::Bytes, &["fine", "fraud"]);
        assert!(output.texts(&json!(["fine", "fraud"])).is_ok());
        let message = output.texts(&json!(["fine", "frod"])).unwrap_err();
        assert_eq!(message, "the model has no class `frod`; it has `fine`, `fraud`");
    }

    #[test]
    fn a_model_without_labels_has_no_outcomes() {
        let outputs = vec![Port::new("score", Datatype::Fp32, &[-1])];
        assert_eq!(LabelOutput::of(&Signature { inputs: Vec::new(), outputs }), None);
    }
}
