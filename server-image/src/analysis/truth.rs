//! What outcomes are about: the labels of a classifier with the scores of its classes, or the numbers of a regression.

use std::borrow::Cow;

use serde_json::Value;

use super::labels::{LabelOutput, described};
use crate::{
    signature::{Port, Signature},
    tensor::{Data, Tensor},
};

/// Most classes whose scores are evaluated, as in the statistics.
const MOST_CLASSES: usize = 16;

/// The output that outcomes are about.
#[derive(Debug, Clone, PartialEq)]
pub enum OutcomeOutput {
    /// The first output with labels, and the scores of its classes if the model has them.
    Labels(LabelOutput, Option<ScoreOutput>),
    /// Without labels: the first output with one floating-point number in each row.
    Numbers(NumberOutput),
}

/// What turned out to be true for the rows of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    /// Labels as texts.
    Labels(Vec<String>),
    /// Finite numbers.
    Numbers(Vec<f64>),
}

impl Truth {
    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Labels(labels) => labels.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }
}

impl OutcomeOutput {
    /// The output of a model with this signature. `None` if it has neither labels nor such numbers.
    #[must_use]
    pub fn of(signature: &Signature) -> Option<Self> {
        let Some(labels) = LabelOutput::of(signature) else {
            return NumberOutput::of(signature).map(Self::Numbers);
        };
        let scores = ScoreOutput::of(signature, &labels);
        Some(Self::Labels(labels, scores))
    }

    /// The truth in an outcome: one value, or those of a list. Fails with a sentence about the first one that this output
    /// cannot have.
    pub fn read(&self, label: &Value) -> Result<Truth, String> {
        match self {
            Self::Labels(labels, _) => labels.texts(label).map(Truth::Labels),
            Self::Numbers(numbers) => numbers.read(label).map(Truth::Numbers),
        }
    }

    /// The classes that have scores. Empty without scores.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        match self {
            Self::Labels(_, Some(scores)) => &scores.classes,
            Self::Labels(_, None) | Self::Numbers(_) => &[],
        }
    }
}

/// The output with the scores of classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreOutput {
    output: usize,
    /// One name for each score of a row.
    classes: Vec<String>,
}

impl ScoreOutput {
    /// The first output with 2 to 16 floating-point numbers in each row, if it is known which number is which class: the model
    /// names its classes, or its labels are whole numbers from 0.
    fn of(signature: &Signature, labels: &LabelOutput) -> Option<Self> {
        let of_port = |(output, port): (usize, &Port)| {
            let [_, width] = port.shape[..] else { return None };
            let width = usize::try_from(width).ok().filter(|width| (2..=MOST_CLASSES).contains(width))?;
            let named = port.classes.as_ref().map(|classes| classes.names.clone());
            let numbered =
                || labels.has_whole_numbers().then(|| (0..width).map(|class| class.to_string()).collect());
            let classes = named.or_else(numbered).filter(|names: &Vec<String>| names.len() == width)?;
            port.datatype.is_float().then_some(Self { output, classes })
        };
        signature.outputs.iter().enumerate().find_map(of_port)
    }

    /// The tensor of this output.
    #[must_use]
    pub fn in_outputs<'t>(&self, outputs: &'t [Tensor]) -> Option<&'t Tensor> {
        outputs.get(self.output)
    }

    /// The number of scores of a row that the statistics need: of two only the second.
    #[must_use]
    pub fn width(&self) -> usize {
        if self.classes.len() == 2 { 1 } else { self.classes.len() }
    }

    /// The scores of some rows that the statistics need.
    pub fn needed<'r>(&self, rows: &'r [f32]) -> impl Iterator<Item = f32> + 'r {
        let all = self.classes.len();
        rows.chunks_exact(all).flat_map(move |row| row.iter().skip(usize::from(all == 2)).copied())
    }
}

/// The output with the numbers of a regression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberOutput {
    output: usize,
    name: String,
}

impl NumberOutput {
    fn of(signature: &Signature) -> Option<Self> {
        let has_one = |port: &Port| {
            port.datatype.is_float()
                && !port.any_shape
                && port.shape.iter().skip(1).all(|extent| *extent == 1)
        };
        let (output, port) = signature.outputs.iter().enumerate().find(|(_, port)| has_one(port))?;
        Some(Self { output, name: port.name.clone() })
    }

    /// The tensor of this output.
    #[must_use]
    pub fn in_outputs<'t>(&self, outputs: &'t [Tensor]) -> Option<&'t Tensor> {
        outputs.get(self.output)
    }

    fn read(&self, label: &Value) -> Result<Vec<f64>, String> {
        match label {
            Value::Array(labels) => labels.iter().map(|label| self.number(label)).collect(),
            label => Ok(vec![self.number(label)?]),
        }
    }

    fn number(&self, label: &Value) -> Result<f64, String> {
        let number = match label {
            Value::Number(number) => number.as_f64(),
            // A CSV file has only texts.
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| format!("the output `{}` has numbers, not {}", self.name, described(label)))
    }
}

/// The floating-point numbers of a tensor. `None` for other values.
#[must_use]
pub fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    Some(match &tensor.data {
        Data::Fp16(all) => all.iter().map(|value| value.to_f64()).collect(),
        Data::Bf16(all) => all.iter().map(|value| value.to_f64()).collect(),
        Data::Fp32(all) => all.iter().map(|value| f64::from(*value)).collect(),
        Data::Fp64(all) => all.clone(),
        _ => return None,
    })
}

/// The same as float32, which nearly all scores are.
#[must_use]
pub fn float32(tensor: &Tensor) -> Option<Cow<'_, [f32]>> {
    if let Data::Fp32(all) = &tensor.data {
        return Some(Cow::Borrowed(all));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a score needs no more digits")]
    let all = numbers(tensor)?.into_iter().map(|number| number as f32).collect();
    Some(Cow::Owned(all))
}

/// The value of the rows of an outcome: one number for one row, or a list of as many as there are rows.
pub fn values(value: &Value, rows: usize) -> Result<Vec<f64>, String> {
    let all = match value {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    if all.len() != rows {
        return Err(format!("it has {} values for {rows} labels: send one for each", all.len()));
    }
    let number = |value: &Value| {
        let number = value.as_f64().filter(|number| (0.0..=1e100).contains(number));
        number.ok_or_else(|| format!("its value must be a number from 0, not {}", described(value)))
    };
    all.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::{signature::Classes, tensor::Datatype};

    fn of(outputs: Vec<Port>) -> Option<OutcomeOutput> {
        OutcomeOutput::of(&Signature { inputs: Vec::new(), outputs })
    }

    fn label(datatype: Datatype) -> Port {
        Port::new("label", datatype, &[-1])
    }

    #[test]
    fn scores_are_those_of_classes_only_if_it_is_known_which_is_which() {
        let scores = |width| Port::new("scores", Datatype::Fp32, &[-1, width]);
        let classes = |outputs| of(outputs).map(|output| output.classes().to_vec());
        assert_eq!(
            classes(vec![label(Datatype::Int64), scores(3)]),
            Some(["0", "1", "2"].map(str::to_owned).to_vec())
        );
        assert_eq!(classes(vec![label(Datatype::Bytes), scores(2)]), Some(vec![]), "nobody knows the names");
        assert_eq!(classes(vec![label(Datatype::Int64), scores(17)]), Some(vec![]), "too many classes");
        let names = ["fine", "fraud"].map(str::to_owned).to_vec();
        let classes = Some(Classes { are_numbers: false, names: names.clone() });
        let outputs = vec![label(Datatype::Bytes), Port { classes, ..scores(2) }];
        let Some(OutcomeOutput::Labels(_, Some(found))) = of(outputs) else {
            panic!("the model names its classes")
        };
        assert_eq!((found.width(), &found.classes), (1, &names));
        assert_eq!(found.needed(&[0.9, 0.1, 0.2, 0.8]).collect::<Vec<_>>(), [0.1, 0.8]);
    }

    #[test]
    fn a_model_without_labels_is_judged_by_its_numbers() {
        let price = Port::new("price", Datatype::Fp64, &[-1, 1]);
        let Some(output @ OutcomeOutput::Numbers(_)) = of(vec![price]) else { panic!("it has numbers") };
        assert_eq!(output.read(&json!([1, "2.5"])), Ok(Truth::Numbers(vec![1.0, 2.5])));
        for (wrong, said) in
            [(json!("dear"), "the text `dear`"), (json!(null), "null"), (json!("inf"), "the text `inf`")]
        {
            assert_eq!(output.read(&wrong), Err(format!("the output `price` has numbers, not {said}")));
        }
        assert_eq!(of(vec![Port::new("matrix", Datatype::Fp32, &[-1, 40])]), None);
    }

    #[rstest]
    #[case(json!(7.5), 1, Ok(vec![7.5]))]
    #[case(json!([1, 0]), 2, Ok(vec![1.0, 0.0]))]
    #[case(json!(1), 2, Err("it has 1 values for 2 labels: send one for each"))]
    #[case(json!(-1), 1, Err("its value must be a number from 0, not the number -1"))]
    #[case(json!("1"), 1, Err("its value must be a number from 0, not the text `1`"))]
    fn a_row_is_worth_a_number_from_0(
        #[case] value: Value,
        #[case] rows: usize,
        #[case] expected: Result<Vec<f64>, &str>,
    ) {
        assert_eq!(values(&value, rows), expected.map_err(str::to_owned));
    }
}
