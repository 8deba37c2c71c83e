//! A request, as it is described once for all forms.

use super::values::Values;

/// A request, whatever its form.
#[derive(Debug, Clone)]
pub struct Request {
    /// Name and version of the model, as the caller knows them.
    pub asks: (&'static str, &'static str),
    pub inputs: Vec<Tensor>,
    pub outputs: Vec<&'static str>,
}

/// A tensor, as the caller describes it.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub name: &'static str,
    pub shape: Vec<i64>,
    pub datatype: &'static str,
    pub values: Values,
    /// Whether the caller says that it is in shared memory.
    pub is_shared: bool,
}

pub fn tensor(name: &'static str, shape: &[i64], datatype: &'static str, values: Values) -> Tensor {
    Tensor { name, shape: shape.to_vec(), datatype, values, is_shared: false }
}

impl Request {
    pub fn of(inputs: Vec<Tensor>) -> Self {
        Self { asks: ("fraud", ""), inputs, outputs: vec![] }
    }
}
