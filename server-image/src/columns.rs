//! The columns of a model: its features or inputs, and its outputs, by name. Records and drift both take their columns
//! from here, so a name means the same in both.

use std::{
    collections::{HashMap, HashSet},
    iter::StepBy,
    slice::Iter,
};

use crate::{
    codec::predict::is_vector_of,
    signature::{Port, Signature},
    tensor::{Datatype, Tensor},
};

/// Most numbers of a row that are columns of their own.
const MOST_SCORES: usize = 32;

/// The columns of a model, in the order of its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// One column for each named feature. Without names, one for each input.
    pub inputs: Vec<Column>,
    /// One column for each output.
    pub outputs: Vec<Column>,
    /// One column for each class of an output with the scores of classes, or for each number of a row of any other
    /// output. Not for an output with one number in each row, nor for one with more than 32.
    pub scores: Vec<Column>,
}

/// The values in one of the tensors that have a name of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Unique in its list.
    pub name: String,
    /// The name in the model. It differs from `name` if the model has it twice.
    pub given: String,
    /// The datatype of its values.
    pub datatype: Datatype,
    /// Position of its tensor in the signature.
    pub tensor: usize,
    /// The part of the tensor with its values. `None` for the whole tensor.
    pub feature: Option<Feature>,
    /// Whether it has at most one value in each row.
    pub is_one_a_row: bool,
}

/// One position in every row of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    /// The position.
    pub index: usize,
    /// Positions in a row.
    pub of: usize,
}

impl Columns {
    /// The columns of a model. `features` names the positions of its only input, if that is a vector of this length.
    #[must_use]
    pub fn of(signature: &Signature, features: Option<&[String]>) -> Self {
        let inputs = match (signature.inputs.as_slice(), features) {
            ([port], Some(names)) if !names.is_empty() && is_vector_of(port, names.len()) => names
                .iter()
                .enumerate()
                .map(|(index, name)| Column {
                    name: name.clone(),
                    given: name.clone(),
                    datatype: port.datatype,
                    tensor: 0,
                    feature: Some(Feature { index, of: names.len() }),
                    is_one_a_row: true,
                })
                .collect(),
            (ports, _) => whole(ports),
        };
        let mut outputs = whole(&signature.outputs);
        outputs.extend(scores(&signature.outputs));
        let mut outputs = unique(outputs);
        let scores = outputs.split_off(signature.outputs.len());
        Self { inputs: unique(inputs), outputs, scores }
    }
}

/// The columns of outputs with several numbers in each row: `scores[1]`, or `scores[malignant]` if the model names its
/// classes.
///
/// Of the scores of two classes only the second is a column: the first one follows from it, so both together would look like
/// twice as many values.
fn scores(outputs: &[Port]) -> Vec<Column> {
    let has_label = outputs.iter().any(|port| !port.datatype.is_float());
    let of_port = |(tensor, port): (usize, &Port)| -> Vec<Column> {
        let width = match port.shape[..] {
            [_, width] if port.datatype.is_float() => usize::try_from(width).unwrap_or_default(),
            _ => 0,
        };
        if !(2..=MOST_SCORES).contains(&width) {
            return Vec::new();
        }
        let is_binary = width == 2 && (has_label || port.classes.is_some());
        let names = port.classes.as_ref().map(|classes| &classes.names);
        let column = |index: usize| {
            let class = names.and_then(|names| names.get(index)).cloned();
            let name = format!("{}[{}]", port.name, class.unwrap_or_else(|| index.to_string()));
            Column {
                given: name.clone(),
                name,
                datatype: port.datatype,
                tensor,
                feature: Some(Feature { index, of: width }),
                is_one_a_row: true,
            }
        };
        (usize::from(is_binary)..width).map(column).collect()
    };
    outputs.iter().enumerate().flat_map(of_port).collect()
}

fn whole(ports: &[Port]) -> Vec<Column> {
    let column = |(tensor, port): (usize, &Port)| Column {
        name: port.name.clone(),
        given: port.name.clone(),
        datatype: port.datatype,
        tensor,
        feature: None,
        is_one_a_row: port.shape.iter().skip(1).all(|extent| *extent == 1) && !port.any_shape,
    };
    ports.iter().enumerate().map(column).collect()
}

/// Makes the names unique: the second `a` becomes `a_2`, or the first of `a_3`, `a_4`.. that is free.
fn unique(mut columns: Vec<Column>) -> Vec<Column> {
    let mut taken: HashSet<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mut seen = HashMap::<String, usize>::new();
    for column in &mut columns {
        let last = seen.entry(column.given.clone()).or_default();
        *last += 1;
        while *last > 1 && taken.contains(&column.name) {
            column.name = format!("{}_{last}", column.given);
            if taken.insert(column.name.clone()) {
                break;
            }
            *last += 1;
        }
    }
    columns
}

impl Column {
    /// The column's values among `elements`, the elements of `tensor`: one for each row if the column is a feature,
    /// otherwise all.
    ///
    /// No values if the column is not in `tensor`.
    pub fn values<'t, T>(&self, tensor: &Tensor, elements: &'t [T]) -> StepBy<Iter<'t, T>> {
        match self.feature {
            None => elements.iter().step_by(1),
            Some(Feature { index, of }) => {
                let from = if self.is_in(tensor) { index.min(elements.len()) } else { elements.len() };
                elements[from..].iter().step_by(of)
            }
        }
    }

    /// The number of the column's values in `tensor`.
    #[must_use]
    pub fn count(&self, tensor: &Tensor) -> usize {
        match self.feature {
            None => tensor.data.len(),
            Some(Feature { of, .. }) if self.is_in(tensor) => tensor.data.len() / of,
            Some(_) => 0,
        }
    }

    /// Whether `tensor` has the column. A vector whose length may vary can have another length than the list of names.
    /// Then it has none of the features.
    #[must_use]
    pub fn is_in(&self, tensor: &Tensor) -> bool {
        let Some(Feature { of, .. }) = self.feature else { return true };
        tensor.shape.len() == 2 && usize::try_from(tensor.shape[1]) == Ok(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        signature::Classes,
        tensor::{Data, each_datatype},
    };

    fn port(name: &str, datatype: Datatype, shape: &[i64]) -> Port {
        Port::new(name, datatype, shape)
    }

    fn signature(inputs: Vec<Port>) -> Signature {
        let outputs = vec![port("label", Datatype::Int64, &[-1]), port("scores", Datatype::Fp32, &[-1, 2])];
        Signature { inputs, outputs }
    }

    fn names(columns: &[Column]) -> Vec<&str> {
        columns.iter().map(|column| column.name.as_str()).collect()
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn floats(column: &Column, shape: &[i64], elements: &[f32]) -> Vec<f32> {
        let tensor = Tensor { shape: shape.into(), data: Data::Fp32(elements.into()) };
        column.values(&tensor, elements).copied().collect()
    }

    #[test]
    fn a_vector_with_names_has_a_column_for_each_feature_and_any_other_tensor_is_one_column() {
        let vector = || vec![port("x", Datatype::Fp32, &[-1, 3])];
        let three = owned(&["age", "amount", "hour"]);
        let columns = Columns::of(&signature(vector()), Some(&three));
        assert_eq!(names(&columns.inputs), ["age", "amount", "hour"]);
        assert_eq!(names(&columns.outputs), ["label", "scores"]);
        assert_eq!(columns.inputs[2].feature, Some(Feature { index: 2, of: 3 }));

        assert_eq!(names(&Columns::of(&signature(vector()), None).inputs), ["x"]);
        assert_eq!(names(&Columns::of(&signature(vector()), Some(&three[..2])).inputs), ["x"]);
        let image = vec![port("x", Datatype::Fp32, &[-1, 3, 8, 8])];
        assert_eq!(names(&Columns::of(&signature(image), Some(&three)).inputs), ["x"]);
        let two = vec![port("x", Datatype::Fp32, &[-1, 3]), port("city", Datatype::Bytes, &[-1, 1])];
        assert_eq!(names(&Columns::of(&signature(two), Some(&three)).inputs), ["x", "city"]);
        let none = vec![port("x", Datatype::Fp32, &[-1, -1])];
        assert_eq!(names(&Columns::of(&signature(none), Some(&[])).inputs), ["x"]);
    }

    #[test]
    fn each_class_has_a_column_for_its_scores_and_of_two_classes_only_the_second() {
        let label = || port("label", Datatype::Int64, &[-1]);
        let scores = |outputs: Vec<Port>| {
            names(&Columns::of(&Signature { inputs: Vec::new(), outputs }, None).scores)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let floats = |width| port("p", Datatype::Fp32, &[-1, width]);
        assert_eq!(scores(vec![label(), floats(2)]), ["p[1]"]);
        assert_eq!(scores(vec![label(), floats(3)]), ["p[0]", "p[1]", "p[2]"]);
        let classes = |names: &[&str]| Classes {
            are_numbers: false,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let named = |names: &[&str]| Port {
            classes: Some(classes(names)),
            ..floats(i64::try_from(names.len()).unwrap())
        };
        assert_eq!(scores(vec![named(&["benign", "malignant"])]), ["p[malignant]"]);
        assert_eq!(scores(vec![named(&["a", "b", "c"])]), ["p[a]", "p[b]", "p[c]"]);
        // Two numbers without classes say two things.
        assert_eq!(scores(vec![floats(2)]), ["p[0]", "p[1]"]);
        for width in [-1, 1, 33] {
            assert_eq!(scores(vec![label(), floats(width)]), [""; 0]);
        }
    }

    #[test]
    fn a_feature_has_one_value_in_each_row_and_a_whole_tensor_all_of_them() {
        let three = owned(&["age", "amount", "hour"]);
        let columns = Columns::of(&signature(vec![port("x", Datatype::Fp32, &[-1, 3])]), Some(&three));
        let elements = [1.0, 2.0, 3.0, 10.0, 20.0, 30.0];
        assert_eq!(floats(&columns.inputs[0], &[2, 3], &elements), [1.0, 10.0]);
        assert_eq!(floats(&columns.inputs[2], &[2, 3], &elements), [3.0, 30.0]);
        assert_eq!(floats(&columns.inputs[2], &[0, 3], &[]), [0.0; 0]);
        assert_eq!(floats(&columns.outputs[1], &[3, 2], &elements), elements);

        let text = Tensor { shape: vec![2], data: Data::Bytes(owned(&["a", "b"])) };
        let count =
            each_datatype!(&text.data, elements => columns.outputs[0].values(&text, elements).count());
        assert_eq!(count, 2, "`each_datatype!` reaches the values of any datatype");
    }

    #[test]
    fn a_vector_with_another_length_than_the_list_of_names_has_no_features() {
        let two = owned(&["age", "amount"]);
        let columns = Columns::of(&signature(vec![port("x", Datatype::Fp32, &[-1, -1])]), Some(&two));
        assert_eq!(floats(&columns.inputs[1], &[1, 2], &[1.0, 2.0]), [2.0]);
        assert_eq!(floats(&columns.inputs[1], &[1, 3], &[1.0, 2.0, 3.0]), [0.0; 0]);
    }

    #[test]
    fn a_name_that_a_model_has_twice_gets_a_number_and_the_given_name_is_kept() {
        let names_given = owned(&["a", "a", "a_2", "a"]);
        let columns =
            Columns::of(&signature(vec![port("x", Datatype::Fp32, &[-1, 4])]), Some(&names_given)).inputs;
        assert_eq!(names(&columns), ["a", "a_3", "a_2", "a_4"]);
        let given: Vec<_> = columns.iter().map(|column| column.given.as_str()).collect();
        assert_eq!(given, ["a", "a", "a_2", "a"]);
    }
}
