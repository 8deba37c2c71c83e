//! Values for inputs of a few integers. Such an input often is a shape, a list of axes, a number of steps or a length, and
//! the model runs only if its values fit the other inputs.

use crate::tensor::{Data, Datatype, Tensor};

/// Most integers in an input that gets such values. Shapes and lists of axes are shorter.
const INTEGERS: usize = 16;
/// Largest product of a list of sizes: one that the model takes as a shape must not need gigabytes.
const LARGEST: i64 = 1 << 20;
/// Both sides of an image, for a model that wants the shape of one.
const SIDE: i64 = 16;

/// The inputs that are a few integers, each with the lists of values to try.
pub(super) struct Values {
    inputs: Vec<Input>,
}

struct Input {
    position: usize,
    datatype: Datatype,
    lists: Vec<Vec<i64>>,
}

impl Values {
    /// The inputs among `tensors` that are a few integers.
    pub(super) fn of(tensors: &[Tensor]) -> Self {
        let input = |(position, tensor): (usize, &Tensor)| Input {
            position,
            datatype: tensor.data.datatype(),
            lists: lists(position, tensors),
        };
        let inputs = tensors.iter().enumerate().filter(|(_, tensor)| is_few_integers(tensor)).map(input);
        Self { inputs: inputs.collect() }
    }

    /// Choices of a list for each of the inputs. Those of the simplest lists come first. None if no input is a few
    /// integers.
    pub(super) fn choices(&self) -> impl Iterator<Item = Vec<usize>> + '_ {
        let longest = self.inputs.iter().map(|input| input.lists.len()).max().unwrap_or(0);
        (0..longest).flat_map(move |last| {
            let radix = move |input: &Input| input.lists.len().min(last + 1);
            let count = self.inputs.iter().fold(1_usize, |count, input| count.saturating_mul(radix(input)));
            let choice = move |number: usize| {
                let mut rest = number;
                let digit = |input: &Input| {
                    let digit = rest % radix(input);
                    rest /= radix(input);
                    digit
                };
                self.inputs.iter().map(digit).collect::<Vec<_>>()
            };
            // The others were choices before.
            (0..count).map(choice).filter(move |choice| choice.contains(&last))
        })
    }

    /// Writes the values of a choice into the tensors.
    pub(super) fn write(&self, choice: &[usize], tensors: &mut [Tensor]) {
        for (input, chosen) in self.inputs.iter().zip(choice) {
            let values = &input.lists[*chosen];
            tensors[input.position].data = match input.datatype {
                Datatype::Int32 => Data::Int32(
                    values.iter().map(|value| i32::try_from(*value).unwrap_or(i32::MAX)).collect(),
                ),
                _ => Data::Int64(values.clone()),
            };
        }
    }
}

fn is_few_integers(tensor: &Tensor) -> bool {
    matches!(tensor.data, Data::Int32(_) | Data::Int64(_))
        && tensor.shape.len() <= 1
        && (1..=INTEGERS).contains(&tensor.data.len())
}

/// The values to try for the input at `position`: zeros, ones, axes, a shape that ONNX Runtime completes, the shapes of the
/// other inputs, and their extents as sizes and as parts.
fn lists(position: usize, tensors: &[Tensor]) -> Vec<Vec<i64>> {
    let count = tensors[position].data.len();
    let others = tensors.iter().enumerate().filter(|(other, _)| *other != position).map(|(_, tensor)| tensor);
    let shapes: Vec<&[i64]> = others.map(|tensor| tensor.shape.as_slice()).collect();
    let first = |value: i64, rest: i64| {
        let mut values = vec![rest; count];
        values[0] = value;
        values
    };
    let mut image = vec![SIDE; count];
    image.iter_mut().take(2).for_each(|extent| *extent = 1);
    let mut lists = vec![vec![0; count], vec![1; count], (0..).take(count).collect(), first(-1, 1), image];
    lists.extend(shapes.iter().filter(|shape| shape.len() == count).map(|shape| shape.to_vec()));
    let extents = shapes.concat();
    let sizes =
        extents.iter().flat_map(|extent| [first(*extent, 0), first(*extent, 1), vec![*extent; count]]);
    lists.extend(sizes.filter(|sizes| product(sizes) <= LARGEST));
    let mut seen = std::collections::HashSet::new();
    lists.retain(|list| seen.insert(list.clone()));
    lists
}

fn product(sizes: &[i64]) -> i64 {
    sizes.iter().fold(1, |product: i64, size| product.saturating_mul(*size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(shape: &[i64], data: Data) -> Tensor {
        Tensor { shape: shape.into(), data }
    }

    fn image() -> Tensor {
        input(&[1, 3, 20, 10], Data::Fp32(vec![0.0; 600]))
    }

    fn integers(count: usize) -> Tensor {
        input(&[i64::try_from(count).unwrap()], Data::Int64(vec![0; count]))
    }

    #[test]
    fn only_a_few_integers_get_values() {
        let many = integers(INTEGERS + 1);
        let matrix = input(&[2, 2], Data::Int64(vec![0; 4]));
        let text = input(&[2], Data::Bytes(vec![String::new(); 2]));
        assert_eq!(Values::of(&[image(), many, matrix, text]).choices().count(), 0);
        let scalar = input(&[], Data::Int32(vec![0]));
        assert_eq!(Values::of(&[image(), scalar, integers(2)]).inputs.len(), 2);
    }

    #[test]
    fn every_combination_is_a_choice_once_and_simple_ones_come_first() {
        let values = Values::of(&[integers(1), integers(1)]);
        let choices: Vec<_> = values.choices().collect();
        assert_eq!(&choices[..4], [vec![0, 0], vec![1, 0], vec![0, 1], vec![1, 1]]);
        let lengths: Vec<_> = values.inputs.iter().map(|input| input.lists.len()).collect();
        assert_eq!(choices.len(), lengths[0] * lengths[1]);
        assert_eq!(choices.iter().collect::<std::collections::HashSet<_>>().len(), choices.len());
    }

    #[test]
    fn the_values_are_axes_shapes_and_sizes_that_fit_the_other_inputs() {
        let lists = lists(1, &[image(), integers(4)]);
        for wanted in [[0, 1, 2, 3], [-1, 1, 1, 1], [1, 3, 20, 10], [20, 0, 0, 0], [20, 1, 1, 1], [10; 4]] {
            assert!(lists.contains(&wanted.to_vec()), "{wanted:?} is not in {lists:?}");
        }
    }

    #[test]
    fn a_list_that_would_be_a_shape_of_gigabytes_is_not_tried() {
        let long = input(&[4096], Data::Fp32(vec![0.0; 4096]));
        assert!(!lists(1, &[long, integers(2)]).contains(&vec![4096, 4096]));
    }

    #[test]
    fn a_choice_is_written_in_the_datatype_of_its_input() {
        let mut tensors = [image(), input(&[], Data::Int32(vec![0])), integers(2)];
        Values::of(&tensors).write(&[1, 2], &mut tensors);
        assert_eq!(tensors[1].data, Data::Int32(vec![1]));
        assert_eq!(tensors[2].data, Data::Int64(vec![0, 1]));
    }
}
