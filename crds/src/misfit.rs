//! Whether a version can answer main's calls, by the signatures of both. Pure.

use crate::{
    model_version::ModelVersion,
    signature::{ModelSignature, TensorSpec},
};

impl ModelVersion {
    /// What callers of `main` have to change if this version answers them, as a sentence about this version. `None` if every
    /// call fits both, or if a signature is not known yet: pods report it once they are ready.
    #[must_use]
    pub fn breaks(&self, main: &Self) -> Option<String> {
        let signature = |version: &'_ Self| version.status.as_ref()?.model.clone();
        misfit(&signature(main)?, &signature(self)?, &self.spec.version)
    }

    /// The same, unless its major version number announces the change: then it is larger than that of `main`.
    #[must_use]
    pub fn breaks_unannounced(&self, main: &Self) -> Option<String> {
        self.breaks(main).filter(|_| !self.has_newer_major(main))
    }

    /// Whether its major version number is larger than that of `other`.
    #[must_use]
    pub fn has_newer_major(&self, other: &Self) -> bool {
        major(self) > major(other)
    }

    /// Whether it has the major version number of `other`.
    #[must_use]
    pub fn has_same_major(&self, other: &Self) -> bool {
        major(self) == major(other)
    }
}

/// The major version number, in an order that also holds for numbers of many digits.
fn major(version: &ModelVersion) -> (usize, &str) {
    let number = version.spec.version.split('.').next().unwrap_or_default();
    (number.len(), number)
}

/// What is added to a sentence about a version that breaks the calls of main. Empty if it breaks none.
#[must_use]
pub fn breaking_note(breaking: Option<&String>) -> String {
    breaking.map(|breaking| format!("; BREAKING: {breaking}")).unwrap_or_default()
}

/// The first difference that prevents `other`, which is called `name` in the sentence, from answering the calls of `main`.
/// It must accept every input of main and return every output of main. Additional outputs are allowed. A tensor that is
/// missing in an incomplete list may exist: it counts as fitting.
#[must_use]
pub fn misfit(main: &ModelSignature, other: &ModelSignature, name: &str) -> Option<String> {
    let listed = |tensor: &&TensorSpec, list| other.omitted == 0 || find(list, &tensor.name).is_some();
    let mut inputs = main.inputs.iter().filter(|input| listed(input, &other.inputs));
    let missing = inputs.find_map(|input| accepted(input, find(&other.inputs, &input.name), name));
    let unknown = |input: &&TensorSpec| main.omitted == 0 && find(&main.inputs, &input.name).is_none();
    let needed = other.inputs.iter().find(unknown);
    let needed = needed.map(|input| {
        format!("{name} needs the input {} ({}), which main does not have", input.name, described(input))
    });
    let mut outputs = main.outputs.iter().filter(|output| listed(output, &other.outputs));
    let output = outputs.find_map(|output| returned(output, find(&other.outputs, &output.name), name));
    missing.or(needed).or(output)
}

fn find<'a>(tensors: &'a [TensorSpec], name: &str) -> Option<&'a TensorSpec> {
    tensors.iter().find(|tensor| tensor.name == name)
}

fn accepted(main: &TensorSpec, other: Option<&TensorSpec>, name: &str) -> Option<String> {
    let Some(other) = other else { return Some(missing("input", main, name)) };
    let each_extent = main.shape.len() == other.shape.len()
        && main.shape.iter().zip(&other.shape).all(|(main, accepts)| *accepts == -1 || accepts == main);
    let every_shape = other.any_shape || (each_extent && !main.any_shape);
    let fits = every_shape && main.datatype == other.datatype;
    (!fits).then(|| differs("input", main, other, name))
}

fn returned(main: &TensorSpec, other: Option<&TensorSpec>, name: &str) -> Option<String> {
    let Some(other) = other else { return Some(missing("output", main, name)) };
    // Callers of a main that returns any shape are ready for each.
    let same_rank = main.any_shape || (!other.any_shape && main.shape.len() == other.shape.len());
    let fits = main.datatype == other.datatype && same_rank;
    (!fits).then(|| differs("output", main, other, name))
}

fn missing(what: &str, main: &TensorSpec, name: &str) -> String {
    format!("main has the {what} {} ({}), which {name} does not have", main.name, described(main))
}

fn differs(what: &str, main: &TensorSpec, other: &TensorSpec, name: &str) -> String {
    format!("the {what} {} is {} in main and {} in {name}", main.name, described(main), described(other))
}

fn described(tensor: &TensorSpec) -> String {
    if tensor.any_shape {
        format!("{} of any shape", tensor.datatype)
    } else {
        format!("{} {:?}", tensor.datatype, tensor.shape)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NAME: &str = "the challenger";

    /// Stands for a tensor of any shape.
    const ANY: &[i64] = &[];

    type Tensor = (&'static str, &'static str, &'static [i64]);
    type Tensors = Vec<Tensor>;

    fn signature(inputs: Tensors, outputs: Tensors) -> ModelSignature {
        let tensors = |all: Tensors| {
            all.into_iter()
                .map(|(name, datatype, shape)| TensorSpec {
                    name: (*name).to_owned(),
                    datatype: (*datatype).to_owned(),
                    shape: shape.to_vec(),
                    any_shape: shape == ANY,
                })
                .collect()
        };
        ModelSignature { inputs: tensors(inputs), outputs: tensors(outputs), omitted: 0, opset: 17, bytes: 1 }
    }

    fn main() -> ModelSignature {
        signature(vec![FEATURES, REGION], vec![LABEL, SCORES])
    }

    const LABEL: Tensor = ("label", "INT64", &[-1]);
    const SCORES: Tensor = ("scores", "FP32", &[-1, 2]);
    const FEATURES: Tensor = ("features", "FP32", &[-1, 30]);
    const REGION: Tensor = ("region", "BYTES", &[-1, 1]);

    const fn tensor(name: &'static str, datatype: &'static str, shape: &'static [i64]) -> Tensor {
        (name, datatype, shape)
    }

    #[rstest]
    #[case::the_same(vec![FEATURES, REGION], vec![LABEL, SCORES])]
    #[case::in_another_order(vec![REGION, FEATURES], vec![SCORES, LABEL])]
    #[case::taking_more_shapes(vec![tensor("features", "FP32", &[-1, -1]), REGION], vec![LABEL, SCORES])]
    #[case::taking_any_shape(vec![tensor("features", "FP32", ANY), REGION], vec![LABEL, SCORES])]
    #[case::giving_more_outputs(vec![FEATURES, REGION], vec![LABEL, SCORES, tensor("why", "BYTES", &[-1])])]
    #[case::giving_another_extent(vec![FEATURES, REGION], vec![LABEL, tensor("scores", "FP32", &[-1, 3])])]
    fn a_challenger_fits_main(#[case] inputs: Tensors, #[case] outputs: Tensors) {
        assert_eq!(misfit(&main(), &signature(inputs, outputs), NAME), None);
    }

    #[rstest]
    #[case::an_input_less(
        vec![FEATURES], vec![LABEL, SCORES],
        "main has the input region (BYTES [-1, 1]), which the challenger does not have"
    )]
    #[case::an_input_more(
        vec![FEATURES, REGION, tensor("age", "INT64", &[-1])], vec![LABEL, SCORES],
        "the challenger needs the input age (INT64 [-1]), which main does not have"
    )]
    #[case::one_feature_less(
        vec![tensor("features", "FP32", &[-1, 29]), REGION], vec![LABEL, SCORES],
        "the input features is FP32 [-1, 30] in main and FP32 [-1, 29] in the challenger"
    )]
    #[case::one_row_at_a_time(
        vec![tensor("features", "FP32", &[1, 30]), REGION], vec![LABEL, SCORES],
        "the input features is FP32 [-1, 30] in main and FP32 [1, 30] in the challenger"
    )]
    #[case::a_dimension_less(
        vec![tensor("features", "FP32", &[-1]), REGION], vec![LABEL, SCORES],
        "the input features is FP32 [-1, 30] in main and FP32 [-1] in the challenger"
    )]
    #[case::any_shape_of_another_datatype(
        vec![tensor("features", "FP64", ANY), REGION], vec![LABEL, SCORES],
        "the input features is FP32 [-1, 30] in main and FP64 of any shape in the challenger"
    )]
    #[case::an_output_of_any_shape(
        vec![FEATURES, REGION], vec![LABEL, tensor("scores", "FP32", ANY)],
        "the output scores is FP32 [-1, 2] in main and FP32 of any shape in the challenger"
    )]
    #[case::an_input_of_another_datatype(
        vec![tensor("features", "FP64", &[-1, 30]), REGION], vec![LABEL, SCORES],
        "the input features is FP32 [-1, 30] in main and FP64 [-1, 30] in the challenger"
    )]
    #[case::an_output_less(
        vec![FEATURES, REGION], vec![SCORES],
        "main has the output label (INT64 [-1]), which the challenger does not have"
    )]
    #[case::an_output_of_another_datatype(
        vec![FEATURES, REGION], vec![tensor("label", "BYTES", &[-1]), SCORES],
        "the output label is INT64 [-1] in main and BYTES [-1] in the challenger"
    )]
    #[case::an_output_of_another_rank(
        vec![FEATURES, REGION], vec![LABEL, tensor("scores", "FP32", &[-1])],
        "the output scores is FP32 [-1, 2] in main and FP32 [-1] in the challenger"
    )]
    fn what_does_not_fit_is_named_with_both_shapes(
        #[case] inputs: Tensors,
        #[case] outputs: Tensors,
        #[case] said: &str,
    ) {
        assert_eq!(misfit(&main(), &signature(inputs, outputs), NAME).as_deref(), Some(said));
    }

    #[test]
    fn only_a_challenger_that_takes_any_shape_takes_every_call_of_a_main_that_does() {
        let any = |name| tensor(name, "FP32", ANY);
        let main = signature(vec![any("x")], vec![any("y")]);
        assert_eq!(misfit(&main, &main, NAME), None);
        let narrower = signature(vec![tensor("x", "FP32", &[-1])], vec![any("y")]);
        let said = "the input x is FP32 of any shape in main and FP32 [-1] in the challenger";
        assert_eq!(misfit(&main, &narrower, NAME).as_deref(), Some(said));
        let exact = signature(vec![any("x")], vec![tensor("y", "FP32", &[-1, 2])]);
        assert_eq!(misfit(&main, &exact, NAME), None, "callers of main expect any shape");
    }

    #[test]
    fn tensors_that_the_status_does_not_list_do_not_prevent_a_challenger() {
        let listed = signature(vec![FEATURES], vec![LABEL]);
        let incomplete = ModelSignature { omitted: 2, ..listed };
        assert_eq!(misfit(&main(), &incomplete, NAME), None);
        assert_eq!(misfit(&incomplete, &main(), NAME), None);
        let other =
            ModelSignature { omitted: 2, ..signature(vec![tensor("features", "FP64", &[-1, 30])], vec![]) };
        assert!(misfit(&main(), &other, NAME).is_some_and(|said| said.contains("the input features")));
    }
}
