//! The rules of tensors. Each is a request that is described once and sent in every form that can express it. All forms give the
//! same answer, or the same class of error.

mod form;
mod names;
mod request;
mod rule;
mod shapes;
mod values;
mod values_of_datatypes;

use std::collections::HashMap;

use crate::{grpc::Client, harness::Launch};
use form::{Answer, Form};
use rule::{Expected, Rule};

/// Bytes of a body, at most.
const MAX_BODY: &str = "16777216";

#[test]
fn every_datatype_keeps_its_values_and_refuses_others_in_every_form() {
    check(values_of_datatypes::rules());
}

#[test]
fn a_shape_must_fit_the_model_and_the_elements_in_every_form() {
    check(shapes::rules());
}

#[test]
fn models_inputs_and_outputs_are_found_by_their_names_in_every_form() {
    check(names::rules());
}

/// Sends every rule in every form, to one server for each model.
fn check(rules: Vec<Rule>) {
    let mut servers = HashMap::new();
    let mut broken = Vec::new();
    for rule in rules {
        let (server, client) = servers.entry(rule.model).or_insert_with(|| {
            let server = Launch::of(rule.model).arguments(&["--max-body", MAX_BODY]).ready();
            let client = Client::open(server.main);
            (server, client)
        });
        for form in Form::ALL {
            let (can, claimed) = (form.can_express(&rule.request), rule.forms.contains(&form));
            if can != claimed {
                broken
                    .push(format!("{}: {form:?} can express it: {can}, the rule says {claimed}", rule.says));
            } else if can {
                let answer = form.send(&rule.request, server, client);
                if !is_kept(&rule.expected, form, &answer) {
                    broken
                        .push(format!("{}: {form:?} answers {answer:?}, not {:?}", rule.says, rule.expected));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Whether this is what the rule expects.
fn is_kept(expected: &Expected, form: Form, answer: &Answer) -> bool {
    match (expected, answer) {
        (Expected::Answer(outputs), answer) => form.outputs(outputs).as_ref() == Some(answer),
        (Expected::Message(class, message), Answer::Refused(found, text)) => {
            class == found && message == text
        }
        (Expected::Words(class, words), Answer::Refused(found, text)) => {
            class == found && words.iter().all(|word| text.contains(word))
        }
        _ => false,
    }
}
