//! Functions are inlined when a model is loaded, so ten small ones that call each other ten times over are a bomb.

use std::collections::HashMap;

use super::{error::InspectError, limits::FUNCTION_DEPTH};

/// An operator by domain and name, as a small number.
type Operator = usize;

/// What a body becomes when its functions are inlined: its nodes, and the levels of functions below it.
#[derive(Debug, Clone, Copy)]
struct Size {
    nodes: u64,
    height: u32,
}

type Sizes = HashMap<Operator, Size>;

/// The nodes of a graph or of a function's body.
#[derive(Debug, Default)]
struct Body {
    nodes: u64,
    calls: HashMap<Operator, u64>,
}

/// What calls what.
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
    /// A node was read; `most` is how many there may be in the file.
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

    /// The nodes that follow belong to a function.
    pub(super) fn enter(&mut self) {
        self.inside = Some(Body::default());
    }

    /// The function ends, and this is its name.
    pub(super) fn leave(&mut self, domain: String, name: String) {
        let operator = self.operator(domain, name);
        let body = self.inside.take().unwrap_or_default();
        self.bodies.insert(operator, body);
    }

    /// Refuses recursion, deep nesting, and more than `most` nodes once everything is inlined.
    pub(super) fn check(&self, most: u64) -> Result<(), InspectError> {
        let mut sizes = HashMap::new();
        // Also those that nothing calls: ONNX Runtime sees them too.
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
        // A function that calls itself never gets a size, so it ends here too.
        let too_deep = || InspectError::FunctionDepth(self.names[operator].clone());
        if depth > FUNCTION_DEPTH {
            return Err(too_deep());
        }
        let size = self.inlined(&self.bodies[&operator], depth + 1, sizes)?;
        // Known sizes shorten the way down, so the depth alone would depend on the order.
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

    /// Functions f0..f`count`, each calling the next one `times` times.
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
    fn a_few_functions_that_double_each_other_are_refused() {
        assert!(chain(5, 2).check(1000).is_ok());
        assert!(matches!(chain(20, 2).check(1000), Err(InspectError::TooManyNodes)));
    }

    #[test]
    fn a_function_that_calls_itself_is_refused() {
        let mut functions = Functions::default();
        functions.enter();
        functions.node("mine".into(), "f".into(), 10).unwrap();
        functions.leave("mine".into(), "f".into());
        assert!(matches!(functions.check(10), Err(InspectError::FunctionDepth(name)) if name == "f"));
    }

    #[test]
    fn the_same_name_in_another_domain_is_another_operator() {
        let mut functions = Functions::default();
        functions.enter();
        functions.node(String::new(), "Gelu".into(), 10).unwrap();
        functions.leave("mine".into(), "Gelu".into());
        assert!(functions.check(10).is_ok());
    }
}
