//! Joins graphs by the names of their tensors. Pure: it knows signatures only.

use crate::signature::{Port, Signature};

/// Where a graph gets an input from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The caller's tensor at this position.
    Caller(usize),
    /// An output of an earlier graph.
    Graph { graph: usize, output: usize },
}

/// How graphs are joined.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// What a caller sends: the inputs that no earlier graph produces, in the order of the graphs.
    pub inputs: Vec<Port>,
    /// The first graph that takes each of the caller's inputs, and its position there.
    pub takers: Vec<(usize, usize)>,
    /// The sources of the inputs of each graph.
    pub sources: Vec<Vec<Source>>,
}

impl Plan {
    /// Joins these graphs, of which the last one is the model. Fails with a sentence that says what does not fit.
    pub fn of(graphs: &[Signature]) -> Result<Self, String> {
        let mut joining = Joining {
            graphs,
            plan: Self { inputs: Vec::new(), takers: Vec::new(), sources: Vec::new() },
            is_used: vec![false; graphs.len()],
        };
        for graph in 0..graphs.len() {
            joining.add(graph)?;
        }
        let before = graphs.len().saturating_sub(1);
        match joining.is_used.iter().take(before).position(|is_used| !is_used) {
            Some(graph) => Err(format!(
                "{}: no later graph has an input with the name of one of its outputs, which are {}",
                name(graph, graphs.len()),
                Signature::names(&graphs[graph].outputs)
            )),
            None => Ok(joining.plan),
        }
    }
}

struct Joining<'g> {
    graphs: &'g [Signature],
    plan: Plan,
    /// Whether a later graph takes an output of each graph.
    is_used: Vec<bool>,
}

impl Joining<'_> {
    fn add(&mut self, graph: usize) -> Result<(), String> {
        let inputs = self.graphs[graph].inputs.iter().enumerate();
        let sources =
            inputs.map(|(position, port)| self.source(graph, position, port)).collect::<Result<_, _>>()?;
        self.plan.sources.push(sources);
        if graph + 1 == self.graphs.len() {
            return Ok(());
        }
        for port in &self.graphs[graph].outputs {
            let other = if self.plan.inputs.iter().any(|input| input.name == port.name) {
                Some("an input of an earlier graph, which callers send".to_owned())
            } else {
                self.producer(&port.name, graph)
                    .map(|(other, _)| format!("an output of {}", self.name(other)))
            };
            if let Some(other) = other {
                return Err(format!("{}: output `{}` is also {other}", self.name(graph), port.name));
            }
        }
        Ok(())
    }

    fn source(&mut self, graph: usize, position: usize, port: &Port) -> Result<Source, String> {
        if let Some((from, output)) = self.producer(&port.name, graph) {
            let produced = &self.graphs[from].outputs[output];
            if produced.classes.is_some() {
                return Err(format!(
                    "{}: output `{}` is not a tensor, and cannot be an input",
                    self.name(from),
                    port.name
                ));
            }
            self.fits(port, graph, produced, &format!("output of {}", self.name(from)))?;
            self.is_used[from] = true;
            return Ok(Source::Graph { graph: from, output });
        }
        if let Some(at) = self.plan.inputs.iter().position(|input| input.name == port.name) {
            let input = &self.plan.inputs[at];
            self.fits(port, graph, input, &format!("input of {}", self.name(self.plan.takers[at].0)))?;
            self.plan.inputs[at] = narrowed(input, port);
            return Ok(Source::Caller(at));
        }
        self.plan.inputs.push(port.clone());
        self.plan.takers.push((graph, position));
        Ok(Source::Caller(self.plan.inputs.len() - 1))
    }

    /// The graph before `graph` that has an output with this name, and its position there.
    fn producer(&self, name: &str, graph: usize) -> Option<(usize, usize)> {
        let mut graphs = self.graphs[..graph].iter().enumerate();
        graphs.find_map(|(from, signature)| Some((from, signature.output(name)?)))
    }

    /// Fails if no tensor fits both.
    fn fits(&self, port: &Port, graph: usize, other: &Port, whose: &str) -> Result<(), String> {
        let same_shape = port.any_shape
            || other.any_shape
            || (port.shape.len() == other.shape.len()
                && port
                    .shape
                    .iter()
                    .zip(&other.shape)
                    .all(|(one, two)| *one == -1 || *two == -1 || one == two));
        if port.datatype == other.datatype && same_shape {
            return Ok(());
        }
        let text = |port: &Port| format!("{} {}", port.datatype.name(), port.shape_text());
        Err(format!(
            "{}: input `{}` is {}, but the {whose} with this name is {}",
            self.name(graph),
            port.name,
            text(port),
            text(other)
        ))
    }

    fn name(&self, graph: usize) -> String {
        name(graph, self.graphs.len())
    }
}

/// What a graph is called in messages: its place in the `ModelVersion`. The last one is the model.
#[must_use]
pub fn name(graph: usize, graphs: usize) -> String {
    if graph + 1 == graphs { "the model".to_owned() } else { format!("preprocessing[{graph}]") }
}

/// What fits both ports.
fn narrowed(one: &Port, other: &Port) -> Port {
    if one.any_shape {
        return other.clone();
    }
    let mut port = one.clone();
    if !other.any_shape {
        for (mine, theirs) in port.shape.iter_mut().zip(&other.shape) {
            *mine = (*mine).max(*theirs);
        }
    }
    port
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Datatype;

    fn port(name: &str, shape: &[i64]) -> Port {
        Port::new(name, Datatype::Fp32, shape)
    }

    fn graph(inputs: &[Port], outputs: &[Port]) -> Signature {
        Signature { inputs: inputs.to_vec(), outputs: outputs.to_vec() }
    }

    #[test]
    fn a_model_alone_has_its_own_inputs() {
        let plan = Plan::of(&[graph(&[port("x", &[-1, 2])], &[port("x", &[1])])]).unwrap();
        assert_eq!(plan.inputs, [port("x", &[-1, 2])]);
        assert_eq!(plan.sources, [[Source::Caller(0)]]);
    }

    #[test]
    fn callers_send_what_no_earlier_graph_produces() {
        let plan = Plan::of(&[
            graph(&[port("text", &[-1, 1])], &[port("words", &[-1, 8]), port("length", &[-1, 1])]),
            graph(&[port("words", &[-1, -1]), port("text", &[-1, 1])], &[port("vector", &[-1, 4])]),
            graph(
                &[port("vector", &[-1, 4]), port("age", &[-1, 1]), port("length", &[-1, 1])],
                &[port("y", &[-1])],
            ),
        ])
        .unwrap();
        assert_eq!(plan.inputs, [port("text", &[-1, 1]), port("age", &[-1, 1])]);
        assert_eq!(plan.takers, [(0, 0), (2, 1)]);
        let from = |graph, output| Source::Graph { graph, output };
        assert_eq!(plan.sources[1], [from(0, 0), Source::Caller(0)]);
        assert_eq!(plan.sources[2], [from(1, 0), Source::Caller(1), from(0, 1)]);
    }

    #[test]
    fn an_input_of_two_graphs_has_the_narrower_shape() {
        let plan = Plan::of(&[
            graph(&[port("x", &[-1, -1])], &[port("a", &[-1])]),
            graph(&[port("x", &[-1, 3]), port("a", &[-1])], &[port("y", &[-1])]),
        ])
        .unwrap();
        assert_eq!(plan.inputs, [port("x", &[-1, 3])]);
    }

    #[test]
    fn a_shape_that_differs_is_named_with_both_sides() {
        let failed = Plan::of(&[
            graph(&[port("x", &[-1, 2])], &[port("v", &[-1, 2])]),
            graph(&[port("v", &[-1, 3])], &[port("y", &[-1])]),
        ]);
        assert_eq!(
            failed.unwrap_err(),
            "the model: input `v` is FP32 [-1,3], but the output of preprocessing[0] with this name is FP32 [-1,2]"
        );
    }

    #[test]
    fn a_datatype_that_differs_is_named_with_both_sides() {
        let failed = Plan::of(&[
            graph(&[port("x", &[-1, 2])], &[port("v", &[-1, 2])]),
            graph(&[port("v", &[-1, 2]), Port::new("x", Datatype::Int64, &[-1, 2])], &[port("y", &[-1])]),
        ]);
        assert_eq!(
            failed.unwrap_err(),
            "the model: input `x` is INT64 [-1,2], but the input of preprocessing[0] with this name is FP32 [-1,2]"
        );
    }

    #[test]
    fn a_graph_whose_outputs_nobody_takes_does_not_fit() {
        let failed = Plan::of(&[
            graph(&[port("x", &[-1, 2])], &[port("v", &[-1, 2]), port("w", &[-1])]),
            graph(&[port("features", &[-1, 2])], &[port("y", &[-1])]),
        ]);
        assert_eq!(
            failed.unwrap_err(),
            "preprocessing[0]: no later graph has an input with the name of one of its outputs, which are `v`, `w`"
        );
    }

    #[test]
    fn a_name_belongs_to_one_tensor() {
        let first = graph(&[port("x", &[-1])], &[port("v", &[-1])]);
        let failed = Plan::of(&[
            first.clone(),
            graph(&[port("v", &[-1])], &[port("x", &[-1])]),
            graph(&[port("x", &[-1])], &[port("y", &[-1])]),
        ]);
        let message = "preprocessing[1]: output `x` is also an input of an earlier graph, which callers send";
        assert_eq!(failed.unwrap_err(), message);
        let failed = Plan::of(&[
            first,
            graph(&[port("z", &[-1])], &[port("v", &[-1])]),
            graph(&[port("v", &[-1])], &[port("y", &[-1])]),
        ]);
        assert_eq!(failed.unwrap_err(), "preprocessing[1]: output `v` is also an output of preprocessing[0]");
    }
}
