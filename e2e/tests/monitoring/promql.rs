//! The metrics, matchers and labels of an expression. This is not a full parser: Prometheus itself checks the syntax.

use std::{collections::BTreeSet, iter::Peekable, str::CharIndices};

use anyhow::{Result, bail};

/// The names in an expression.
#[derive(Debug, Default, PartialEq)]
pub struct Named {
    /// Every vector selector, without its range.
    pub selectors: BTreeSet<Selector>,
    /// Every label in `by`, `without`, `on`, `ignoring` and `group_...`.
    pub labels: BTreeSet<String>,
}

/// A metric and its matchers.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selector {
    pub metric: String,
    /// The text between the braces.
    pub matchers: String,
    /// The labels of the matchers.
    pub labels: Vec<String>,
}

impl Selector {
    /// The selector as PromQL.
    pub fn text(&self) -> String {
        format!("{}{{{}}}", self.metric, self.matchers)
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// Reads an expression.
pub fn named(expression: &str) -> Result<Named> {
    let tokens = tokens(expression)?;
    let mut found = Named::default();
    let mut rest = tokens.as_slice();
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        let Token::Word(word) = token else { continue };
        match word.as_str() {
            "by" | "without" | "on" | "ignoring" | "group_left" | "group_right" => {
                if after.first() == Some(&Token::Sign('(')) {
                    let (labels, after) = list(after, '(', ')')?;
                    found.labels.extend(labels);
                    rest = after;
                }
            }
            "and" | "or" | "unless" | "bool" | "offset" | "atan2" | "Inf" | "inf" | "NaN" | "nan" => {}
            // A function or an aggregation. Its labels come before or after its argument.
            _ if after.first() == Some(&Token::Sign('(')) || is_grouping(after.first()) => {}
            metric => {
                let (selector, after) = selector(metric, after)?;
                found.selectors.insert(selector);
                rest = after;
            }
        }
    }
    Ok(found)
}

fn is_grouping(token: Option<&Token>) -> bool {
    matches!(token, Some(Token::Word(word)) if word == "by" || word == "without")
}

fn selector<'a>(metric: &str, rest: &'a [Token]) -> Result<(Selector, &'a [Token])> {
    let (mut matchers, mut labels) = (String::new(), vec![]);
    if rest.first() != Some(&Token::Sign('{')) {
        return Ok((Selector { metric: metric.to_owned(), matchers, labels }, rest));
    }
    let Some(end) = rest.iter().position(|token| *token == Token::Sign('}')) else {
        bail!("the braces of {metric} are not closed")
    };
    for token in &rest[1..end] {
        match token {
            Token::Word(label) => {
                labels.push(label.clone());
                matchers.push_str(label);
            }
            Token::Text(text) => matchers.push_str(text),
            Token::Sign(sign) => matchers.push(*sign),
        }
    }
    Ok((Selector { metric: metric.to_owned(), matchers, labels }, &rest[end + 1..]))
}

fn list(tokens: &[Token], open: char, close: char) -> Result<(Vec<String>, &[Token])> {
    let Some(end) = tokens.iter().position(|token| *token == Token::Sign(close)) else {
        bail!("{open} is not closed")
    };
    let words = tokens[..end].iter().filter_map(|token| match token {
        Token::Word(word) => Some(word.clone()),
        _ => None,
    });
    Ok((words.collect(), &tokens[end + 1..]))
}

/// Words, strings with their quotes, and signs, without numbers, durations and ranges.
fn tokens(expression: &str) -> Result<Vec<Token>> {
    let mut tokens = vec![];
    let mut chars = expression.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        match first {
            c if c.is_whitespace() => {}
            c if c.is_ascii_digit() => drop(word(expression, start, &mut chars)),
            c if is_of_word(c) => {
                tokens.push(Token::Word(word(expression, start, &mut chars).to_owned()));
            }
            '"' | '\'' | '`' => {
                let Some((end, _)) = chars.by_ref().find(|(_, c)| *c == first) else {
                    bail!("a string is not closed: {expression}")
                };
                tokens.push(Token::Text(expression[start..=end].to_owned()));
            }
            '[' => {
                if !chars.any(|(_, c)| c == ']') {
                    bail!("a range is not closed: {expression}")
                }
            }
            sign => tokens.push(Token::Sign(sign)),
        }
    }
    Ok(tokens)
}

/// The word that begins at `start`.
fn word<'a>(expression: &'a str, start: usize, chars: &mut Peekable<CharIndices>) -> &'a str {
    let mut end = start + 1;
    while let Some((at, c)) = chars.next_if(|(_, c)| is_of_word(*c) || *c == '.') {
        end = at + c.len_utf8();
    }
    &expression[start..end]
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

#[test]
fn metrics_matchers_and_labels_are_found_but_functions_and_numbers_are_not() {
    let expression = r#"
        histogram_quantile(0.99, sum by (model, le) (rate(a_bucket{reason=~"X|Y", role!="z"}[5m])
          and on (namespace, pod) (b == 1))) > 72 * 3600
        or sum(c offset 5m) without (d) / on (e) group_left () f{}"#;
    let found = named(expression).expect("the expression is valid");
    let selectors: Vec<String> = found.selectors.iter().map(Selector::text).collect();
    assert_eq!(selectors, [r#"a_bucket{reason=~"X|Y",role!="z"}"#, "b{}", "c{}", "f{}"]);
    let labels: Vec<&str> = found.labels.iter().map(String::as_str).collect();
    assert_eq!(labels, ["d", "e", "le", "model", "namespace", "pod"]);
    let matched = found.selectors.iter().find(|s| s.metric == "a_bucket").expect("found above");
    assert_eq!(matched.labels, ["reason", "role"]);
}
