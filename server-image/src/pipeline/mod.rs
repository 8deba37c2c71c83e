//! A model and the graphs before it, in sessions of ONNX Runtime. They run one after the other. A tensor between two of them
//! is not copied.

mod plan;

use std::{collections::HashSet, sync::Arc, time::Instant};

use ort::{
    session::{RunOptions, Session, SessionInputValue, SessionOutputs},
    value::{DynValue, ValueType},
};

use crate::{deadline::Deadline, session::RunError, signature::Signature, tensor::Tensor};
pub use plan::name;
use plan::{Plan, Source};

/// A model and the graphs before it. Without graphs before it, it is the model alone.
pub struct Pipeline {
    before: Vec<Graph>,
    model: Graph,
    /// The first graph that takes each of the caller's inputs, and its position there.
    takers: Vec<(usize, usize)>,
    deadline: Arc<Deadline>,
}

struct Graph {
    session: Session,
    sources: Vec<Source>,
}

impl Pipeline {
    /// Joins sessions by the names of their tensors; the last one is the model. `without_shape` are the inputs and outputs
    /// of each that have no shape in its file. Also returns what callers see: the inputs that no graph produces, and the
    /// outputs of the model.
    ///
    /// Fails with a sentence that names what does not fit, or which input or output is not a tensor. `deadline` is that of its
    /// runs.
    ///
    /// # Panics
    ///
    /// If there is no session.
    pub fn join(
        sessions: Vec<Session>,
        without_shape: &[&HashSet<String>],
        deadline: Arc<Deadline>,
    ) -> Result<(Self, Signature), String> {
        let count = sessions.len();
        let signature = |(graph, (session, without_shape)): (usize, (&Session, &&HashSet<String>))| {
            Signature::of(session, without_shape).map_err(|what| {
                if graph + 1 == count { what } else { format!("{}: {what}", name(graph, count)) }
            })
        };
        let graphs = sessions.iter().zip(without_shape).enumerate();
        let mut signatures = graphs.map(signature).collect::<Result<Vec<_>, _>>()?;
        let Plan { inputs, takers, sources } = Plan::of(&signatures)?;
        let graphs = sessions.into_iter().zip(sources);
        let mut before: Vec<_> = graphs.map(|(session, sources)| Graph { session, sources }).collect();
        let model = before.pop().expect("there is a model");
        let outputs = signatures.pop().expect("there is a model").outputs;
        Ok((Self { before, model, takers, deadline }, Signature { inputs, outputs }))
    }

    /// Runs all graphs on one tensor for each of the caller's inputs, until `until` at most. The values are the outputs of the
    /// model, as ONNX Runtime returns them.
    pub fn run(&mut self, inputs: &[Tensor], until: Instant) -> Result<SessionOutputs<'_>, RunError> {
        let Self { before, model, deadline, .. } = self;
        deadline.begin(until);
        let ran = run(before, model, inputs, &deadline.options);
        match (ran, deadline.end()) {
            (Ok(values), _) => Ok(values),
            (Err(_), true) => Err(RunError::Stopped),
            (Err(error), false) => Err(error.into()),
        }
    }

    /// The names of the dimensions of each of the caller's inputs. `""` for a dimension without a name.
    #[must_use]
    pub fn dimension_names(&self) -> Vec<Vec<String>> {
        self.takers
            .iter()
            .map(|(graph, input)| names_of(self.session(*graph).inputs()[*input].dtype()))
            .collect()
    }

    /// A metadata property of the graph that takes the caller's first input.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<String> {
        let (graph, _) = self.takers.first()?;
        self.session(*graph).metadata().ok()?.custom(name)
    }

    fn session(&self, graph: usize) -> &Session {
        &self.before.get(graph).unwrap_or(&self.model).session
    }
}

fn run<'s>(
    before: &mut [Graph],
    model: &'s mut Graph,
    inputs: &[Tensor],
    options: &'s RunOptions,
) -> Result<SessionOutputs<'s>, ort::Error> {
    let mut produced: Vec<Vec<DynValue>> = Vec::with_capacity(before.len());
    for (at, graph) in before.iter_mut().enumerate() {
        let outputs = graph.run(inputs, &produced, options).map_err(|error| {
            ort::Error::new_with_code(error.code(), format!("preprocessing[{at}]: {error}"))
        })?;
        produced.push(outputs.into_iter().map(|(_, value)| value).collect());
    }
    model.run(inputs, &produced, options)
}

impl Graph {
    fn run<'s>(
        &'s mut self,
        inputs: &[Tensor],
        produced: &[Vec<DynValue>],
        options: &'s RunOptions,
    ) -> Result<SessionOutputs<'s>, ort::Error> {
        let values: Vec<SessionInputValue<'_>> = self
            .sources
            .iter()
            .map(|source| match *source {
                Source::Caller(at) => inputs[at].as_input(),
                Source::Graph { graph, output } => Ok((&produced[graph][output]).into()),
            })
            .collect::<Result<_, _>>()?;
        self.session.run_with_options(values.as_slice(), options)
    }
}

/// The names of the dimensions of a tensor, also of an optional one.
fn names_of(value: &ValueType) -> Vec<String> {
    match value {
        ValueType::Tensor { dimension_symbols, .. } => dimension_symbols.to_vec(),
        ValueType::Optional(value) => names_of(value),
        _ => vec![],
    }
}
