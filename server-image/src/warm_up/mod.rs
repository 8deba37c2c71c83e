//! Finds synthetic inputs on which a model runs, for a version without examples. They warm up its sessions, and the operator's
//! probe uses them.
//!
//! A model may run only if a variable dimension has a certain size: a model of speech needs frames of 256 samples, for
//! example. So several sizes are tried, each with zeros and with ones, and several ranks if a model declares none. If none
//! works, inputs of a few integers get the values of shapes, axes and lengths ([`values`]). [`batching`] finds out whether
//! requests can share a run.

mod batching;
mod values;

use std::time::{Duration, Instant};

use understudy_contract::{Failure, Reason};

pub use batching::find as batching;
use values::Values;

use crate::{
    session::{RunError, Trial},
    signature::{Port, Signature},
    tensor::{Data, ShapeText, Tensor, elements},
};

/// Sizes of variable dimensions, in the order in which they are tried: those that models often need, then other powers of two.
const SIZES: [i64; 14] = [1, 2, 16, 64, 512, 4, 8, 32, 128, 256, 1024, 2048, 4096, 8192];
/// Most elements of a synthetic input. No request could carry more: an element has at least one byte.
const MAX_ELEMENTS: usize = 1 << 28;
/// Most elements of an input of which a dimension is larger than 1 only to find a size that works.
const MAX_TRIED: usize = 1 << 22;
/// After this time since the first run nothing further is tried.
const PATIENCE: Duration = Duration::from_secs(10);

/// A dimension of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    Fixed(i64),
    /// The rows of a request: the first dimension, and every other one with its name.
    Rows,
    /// Another dimension that may vary.
    Free,
}

/// The sizes of the variable dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sizes {
    rows: i64,
    free: i64,
}

/// Ranks of inputs whose shape the model does not declare, in the order in which they are tried.
const RANKS: [usize; 6] = [1, 2, 3, 4, 0, 5];
/// Sizes with which the values of integers are tried: a model whose integers matter seldom needs certain sizes as well.
const SIZES_WITH_VALUES: usize = 4;

/// What was found out about a model. Inputs are one tensor for each input of the model.
#[derive(Debug)]
pub enum Found {
    /// The model runs on these inputs.
    Works(Vec<Tensor>),
    /// The model failed on all that was tried.
    Nothing {
        /// The first inputs.
        simplest: Vec<Tensor>,
        /// What was tried, and the error of the first run.
        error: String,
    },
}

/// Searches for synthetic inputs on which the model runs.
///
/// Fails with `InvalidModel` if no request could carry an input, with `InvalidRuntime` if the image that runs the model does not
/// speak its protocol, and with `WarmUpFailed` if a run needs more memory than the
/// process may use, or if the first one takes longer than `max_run`.
pub fn find(session: &mut impl Trial, signature: &Signature, max_run: Duration) -> Result<Found, Failure> {
    let ranks = if signature.inputs.iter().any(|port| port.any_shape) { &RANKS[..] } else { &RANKS[..1] };
    let layouts: Vec<_> = ranks.iter().map(|rank| dimensions(session, signature, *rank)).collect();
    let mut search = Search {
        session,
        until: Instant::now() + max_run,
        is_endless: false,
        first_error: None,
        broken: None,
    };
    let mut simplest = None;
    for inputs in &layouts {
        for sizes in candidates(inputs) {
            for one in [false, true] {
                let tensors = match synthetic(signature, inputs, sizes, one) {
                    Ok(tensors) => tensors,
                    Err(what) if search.first_error.is_none() => {
                        return Err(Failure::new(Reason::InvalidModel, what));
                    }
                    Err(_) => break,
                };
                if search.succeeds(&tensors) {
                    return Ok(Found::Works(tensors));
                }
                simplest.get_or_insert(tensors);
            }
        }
    }
    for inputs in &layouts {
        for sizes in candidates(inputs).into_iter().take(SIZES_WITH_VALUES) {
            for one in [false, true] {
                let Ok(tensors) = synthetic(signature, inputs, sizes, one) else { break };
                if let Some(tensors) = search.with_values(tensors) {
                    return Ok(Found::Works(tensors));
                }
            }
        }
    }
    if let Some(what) = search.broken {
        return Err(Failure::new(Reason::InvalidRuntime, what));
    }
    if search.is_endless {
        let message = format!(
            "the first inference, on inputs of zeros, was stopped after {} s, and no other one succeeded: publish the model with spec.examples if it is faster on others",
            max_run.as_secs_f64()
        );
        return Err(Failure::new(Reason::WarmUpFailed, message));
    }
    let error = search.first_error.unwrap_or_default();
    let message = format!("the model failed on inputs of zeros, of ones and of other values: {error}");
    if needs_memory(&error) {
        let message = format!("{message}; the model needs more memory than the pod may use");
        return Err(Failure::new(Reason::WarmUpFailed, message));
    }
    Ok(Found::Nothing { simplest: simplest.unwrap_or_default(), error: message })
}

/// Whether the words of ONNX Runtime mean that an allocation failed, or that it did not try one.
fn needs_memory(error: &str) -> bool {
    error.contains("std::bad_alloc") || error.contains("bytes, which exceeds the supported maximum")
}

/// Runs the model until it succeeds.
struct Search<'s, S> {
    session: &'s mut S,
    /// When the first run ends, and after it the search.
    until: Instant,
    /// Whether the first run was stopped.
    is_endless: bool,
    /// Why the first run failed: it had the simplest inputs.
    first_error: Option<String>,
    /// What is wrong with the image that runs the model. Nothing else is tried then.
    broken: Option<String>,
}

impl<S: Trial> Search<'_, S> {
    /// Whether the model runs on these inputs. No longer tried when the search is over.
    fn succeeds(&mut self, tensors: &[Tensor]) -> bool {
        if self.is_over() {
            return false;
        }
        match self.session.attempt(tensors, self.until) {
            Ok(()) => true,
            Err(RunError::Broken(what)) => {
                self.broken = Some(what);
                false
            }
            Err(error) => {
                if self.first_error.is_none() {
                    self.is_endless = error == RunError::Stopped;
                    self.until = Instant::now() + PATIENCE;
                    self.first_error = Some(error.to_string());
                }
                false
            }
        }
    }

    /// These inputs with other integers, if the model succeeds on them.
    fn with_values(&mut self, mut tensors: Vec<Tensor>) -> Option<Vec<Tensor>> {
        let values = Values::of(&tensors);
        for choice in values.choices() {
            if self.is_over() {
                return None;
            }
            values.write(&choice, &mut tensors);
            if self.succeeds(&tensors) {
                return Some(tensors);
            }
        }
        None
    }

    fn is_over(&self) -> bool {
        self.broken.is_some() || (self.first_error.is_some() && Instant::now() > self.until)
    }
}

/// The dimensions of each input. `rank` is the number of those that the model does not declare.
fn dimensions(session: &impl Trial, signature: &Signature, rank: usize) -> Vec<Vec<Dimension>> {
    let names = session.dimension_names();
    let variable = |port: &Port| !port.any_shape && port.shape.first() == Some(&-1);
    let rows = signature.inputs.iter().zip(&names).find(|(port, _)| variable(port));
    let rows = rows.and_then(|(_, names)| names.first()).filter(|name| !name.is_empty());
    let dimension = |(position, (extent, name)): (usize, (&i64, &String))| match *extent {
        -1 if position == 0 && name.is_empty() || rows == Some(name) => Dimension::Rows,
        -1 => Dimension::Free,
        extent => Dimension::Fixed(extent),
    };
    let undeclared = || (0..rank).map(|at| if at == 0 { Dimension::Rows } else { Dimension::Free }).collect();
    let input = |(port, names): (&Port, &Vec<String>)| {
        if port.any_shape {
            undeclared()
        } else {
            port.shape.iter().zip(names).enumerate().map(dimension).collect()
        }
    };
    signature.inputs.iter().zip(&names).map(input).collect()
}

/// The sizes to try: one row first, as rows rarely matter.
fn candidates(inputs: &[Vec<Dimension>]) -> Vec<Sizes> {
    let has = |kind| inputs.iter().flatten().any(|dimension| *dimension == kind);
    let one_row = SIZES.iter().filter(|_| has(Dimension::Free)).map(|free| Sizes { rows: 1, free: *free });
    let all = SIZES.iter().filter(|_| has(Dimension::Rows)).map(|size| Sizes { rows: *size, free: *size });
    let mut sizes = vec![Sizes { rows: 1, free: 1 }];
    sizes.extend(one_row.chain(all).filter(|sizes| (sizes.rows, sizes.free) != (1, 1)));
    sizes
}

/// One tensor for each input, of ones or of zeros.
fn synthetic(
    signature: &Signature,
    inputs: &[Vec<Dimension>],
    sizes: Sizes,
    one: bool,
) -> Result<Vec<Tensor>, String> {
    let limit = if sizes == (Sizes { rows: 1, free: 1 }) { MAX_ELEMENTS } else { MAX_TRIED };
    let extent = |dimension: &Dimension| match dimension {
        Dimension::Fixed(extent) => *extent,
        Dimension::Rows => sizes.rows,
        Dimension::Free => sizes.free,
    };
    let tensor = |(port, dimensions): (&Port, &Vec<Dimension>)| {
        let shape: Vec<i64> = dimensions.iter().map(extent).collect();
        match elements(&shape) {
            Some(count) if count <= limit => {
                Ok(Tensor { shape, data: Data::uniform(port.datatype, count, one) })
            }
            _ => Err(format!(
                "input `{}` has the shape {}, which is more than the {limit} elements that a request may have",
                port.name,
                ShapeText(&port.shape)
            )),
        }
    };
    signature.inputs.iter().zip(inputs).map(tensor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_is_tried_with_every_size_before_several_rows() {
        let sizes = candidates(&[vec![Dimension::Rows, Dimension::Free], vec![Dimension::Fixed(3)]]);
        assert_eq!(sizes[0], Sizes { rows: 1, free: 1 });
        assert_eq!(sizes[1], Sizes { rows: 1, free: 2 });
        assert_eq!(sizes.len(), 1 + 2 * (SIZES.len() - 1));
        assert_eq!(sizes[SIZES.len()], Sizes { rows: 2, free: 2 });
    }

    #[test]
    fn a_model_without_variable_dimensions_is_tried_once() {
        assert_eq!(candidates(&[vec![Dimension::Fixed(3)], vec![]]).len(), 1);
    }

    #[test]
    fn rows_alone_take_every_size() {
        assert_eq!(candidates(&[vec![Dimension::Rows]]).len(), SIZES.len());
    }
}
