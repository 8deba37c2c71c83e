//! Counts the nodes of a model with all functions expanded. ONNX Runtime inlines functions when it loads a model, so
//! ten small functions that each call the next one ten times become 10^10 nodes.

use std::collections::HashMap;

use super::{
    error::InspectError,
    limits::{FUNCTION_DEPTH, FUNCTIONS},
};

/// The number that stands for an operator.
type Operator = usize;

/// What a node calls, and a function defines. Several functions of one name differ in the overload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct OperatorName {
    pub(super) domain: String,
    pub(super) name: String,
    pub(super) overload: String,
}

/// The size of a body with its functions inlined: its nodes, and the levels of functions below it.
#[derive(Debug, Clone, Copy)]
struct Size {
    nodes: u64,
    height: u32,
}

type Sizes = HashMap<Operator, Size>;

/// The nodes of a graph or of the body of a function.
#[derive(Debug, Default)]
struct Body {
    nodes: u64,
    calls: HashMap<Operator, u64>,
}

/// Which functions the graph and each function call.
#[derive(Debug, Default)]
pub(super) struct Functions {
    operators: HashMap<OperatorName, Operator>,
    names: Vec<String>,
    nodes: u64,
    graph: Body,
    inside: Option<Body>,
    bodies: HashMap<Operator, Body>,
}

impl Functions {
    /// Adds a node of the graph or of the current function. More than `most` nodes in the file are an error.
    pub(super) fn node(&mut self, name: OperatorName, most: u64) -> Result<(), InspectError> {
        self.nodes += 1;
        if self.nodes > most {
            return Err(InspectError::TooManyNodes);
        }
        let operator = self.operator(name);
        let body = self.inside.as_mut().unwrap_or(&mut self.graph);
        body.nodes += 1;
        *body.calls.entry(operator).or_default() += 1;
        Ok(())
    }

    /// Begins a function: the nodes that follow belong to it.
    pub(super) fn enter(&mut self) {
        self.inside = Some(Body::default());
    }

    /// Ends the function, and names it. A second function of that name is an error: which one would a node call?
    pub(super) fn leave(&mut self, name: OperatorName) -> Result<(), InspectError> {
        let operator = self.operator(name);
        let body = self.inside.take().unwrap_or_default();
        if self.bodies.insert(operator, body).is_some() {
            return Err(InspectError::FunctionTwice(self.names[operator].clone()));
        }
        if self.bodies.len() > FUNCTIONS { Err(InspectError::TooManyFunctions) } else { Ok(()) }
    }

    /// Rejects recursion, deep nesting, and more than `most` nodes with all functions inlined.
    pub(super) fn check(&self, most: u64) -> Result<(), InspectError> {
        let mut sizes = HashMap::new();
        // Checks functions that nothing calls as well, because ONNX Runtime reads them too.
        for operator in self.bodies.keys() {
            self.expanded(*operator, 0, &mut sizes)?;
        }
        if self.inlined(&self.graph, 0, &mut sizes)?.nodes > most {
            Err(InspectError::TooManyNodes)
        } else {
            Ok(())
        }
    }

    fn operator(&mut self, mut name: OperatorName) -> Operator {
        if name.domain == "ai.onnx" {
            name.domain.clear();
        }
        let next = self.names.len();
        let names = &mut self.names;
        let shown = name.name.clone();
        *self.operators.entry(name).or_insert_with(|| {
            names.push(shown);
            next
        })
    }

    fn inlined(&self, body: &Body, depth: u32, sizes: &mut Sizes) -> Result<Size, InspectError> {
        let mut all = Size { nodes: body.nodes, height: 0 };
        for (operator, times) in &body.calls {
            if self.bodies.contains_key(operator) {
                let one = self.expanded(*operator, depth, sizes)?;
                all.nodes = all.nodes.saturating_add(one.nodes.saturating_mul(*times));
                all.height = all.height.max(one.height + 1);
            }
        }
        Ok(all)
    }

    fn expanded(&self, operator: Operator, depth: u32, sizes: &mut Sizes) -> Result<Size, InspectError> {
        if let Some(size) = sizes.get(&operator) {
            return Ok(*size);
        }
        // A function that calls itself never gets a size, so it ends here as well.
        let too_deep = || InspectError::FunctionDepth(self.names[operator].clone());
        if depth > FUNCTION_DEPTH {
            return Err(too_deep());
        }
        let size = self.inlined(&self.bodies[&operator], depth + 1, sizes)?;
        // A known size ends the descent early, so `depth` depends on the order of the functions. The height does not.
        if size.height > FUNCTION_DEPTH {
            return Err(too_deep());
        }
        sizes.insert(operator, size);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(domain: &str, name: &str) -> OperatorName {
        OperatorName { domain: domain.to_owned(), name: name.to_owned(), overload: String::new() }
    }

    /// The functions f0..f`count`. Each calls the next one `times` times.
    fn chain(count: usize, times: usize) -> Functions {
        let mut functions = Functions::default();
        for index in 0..count {
            functions.enter();
            for _ in 0..times {
                functions.node(named("mine", &format!("f{}", index + 1)), 1000).unwrap();
            }
            functions.leave(named("mine", &format!("f{index}"))).unwrap();
        }
        functions.node(named("mine", "f0"), 1000).unwrap();
        functions
    }

    #[test]
    fn functions_that_multiply_the_nodes_beyond_the_limit_are_rejected() {
        assert!(chain(5, 2).check(1000).is_ok());
        assert!(matches!(chain(20, 2).check(1000), Err(InspectError::TooManyNodes)));
    }

    #[test]
    fn a_function_that_calls_itself_is_rejected() {
        let mut functions = Functions::default();
        functions.enter();
        functions.node(named("mine", "f"), 10).unwrap();
        functions.leave(named("mine", "f")).unwrap();
        assert!(matches!(functions.check(10), Err(InspectError::FunctionDepth(name)) if name == "f"));
    }

    #[test]
    fn a_function_may_call_an_operator_of_the_same_name_in_another_domain() {
        let mut functions = Functions::default();
        functions.enter();
        functions.node(named("", "Gelu"), 10).unwrap();
        functions.leave(named("mine", "Gelu")).unwrap();
        assert!(functions.check(10).is_ok());
    }

    #[test]
    fn functions_of_one_name_differ_in_their_overload() {
        let overload = |text: &str| OperatorName { overload: text.to_owned(), ..named("mine", "f") };
        let mut functions = Functions::default();
        for text in ["a", "b"] {
            functions.enter();
            functions.leave(overload(text)).unwrap();
        }
        functions.enter();
        assert!(
            matches!(functions.leave(overload("a")), Err(InspectError::FunctionTwice(name)) if name == "f")
        );
    }
}
