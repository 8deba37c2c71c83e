//! Counts the nodes of a model with all functions expanded. ONNX Runtime inlines functions when it loads a model, so
//! ten small functions that each call the next one ten times become 10^10 nodes.

use std::collections::HashMap;

use super::{error::InspectError, limits::FUNCTION_DEPTH};

/// The number that stands for an operator of one domain and name.
type Operator = usize;

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
    operators: HashMap<(String, String), Operator>,
    names: Vec<String>,
    nodes: u64,
    graph: Body,
    inside: Option<Body>,
    bodies: HashMap<Operator, Body>,
}

impl Functions {
    /// Adds a node of the graph or of the current function. More than `most` nodes in the file are an error.
    pub(super) fn node(&mut self, domain: String, name: String, most: u64) -> Result<(), InspectError> {
        self.nodes += 1;
        if self.nodes > most {
            return Err(InspectError::TooManyNodes);
        }
        let operator = self.operator(domain, name);
        let body = self.inside.as_mut().unwrap_or(&mut self.graph);
        body.nodes += 1;
        *body.calls.entry(operator).or_default() += 1;
        Ok(())
    }

    /// Begins a function: the nodes that follow belong to it.
    pub(super) fn enter(&mut self) {
        self.inside = Some(Body::default());
    }

    /// Ends the function, and names it.
    pub(super) fn leave(&mut self, domain: String, name: String) {
        let operator = self.operator(domain, name);
        let body = self.inside.take().unwrap_or_default();
        self.bodies.insert(operator, body);
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

    fn operator(&mut self, domain: String, name: String) -> Operator {
        let domain = if domain == "ai.onnx" { String::new() } else { domain };
        let next = self.names.len();
        let names = &mut self.names;
        *self.operators.entry((domain, name.clone())).or_insert_with(|| {
            names.push(name);
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

    /// The functions f0..f`count`. Each calls the next one `times` times.
    fn chain(count: usize, times: usize) -> Functions {
        let mut functions = Functions::default();
        for index in 0..count {
            functions.enter();
            for _ in 0..times {
                functions.node("mine".into(), format!("f{}", index + 1), 1000).unwrap();
            }
            functions.leave("mine".into(), format!("f{index}"));
        }
        functions.node("mine".into(), "f0".into(), 1000).unwrap();
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
        functions.node("mine".into(), "f".into(), 10).unwrap();
        functions.leave("mine".into(), "f".into());
        assert!(matches!(functions.check(10), Err(InspectError::FunctionDepth(name)) if name == "f"));
    }

    #[test]
    fn a_function_may_call_an_operator_of_the_same_name_in_another_domain() {
        let mut functions = Functions::default();
        functions.enter();
        functions.node(String::new(), "Gelu".into(), 10).unwrap();
        functions.leave("mine".into(), "Gelu".into());
        assert!(functions.check(10).is_ok());
    }
}
