//! Removes from a report what should not leave the cluster: names of people, texts of people, credentials. Pure.

use std::{cmp::Reverse, collections::BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{credentials::without_credentials, notes};

/// Stands for a value that was removed.
const REDACTED: &str = "(redacted)";
/// Annotations that programs write and that hold no text of people.
const KEPT_ANNOTATIONS: [&str; 5] =
    ["understudy.dev/", "deployment.kubernetes.io/", "checksum/", "helm.sh/", "meta.helm.sh/"];
/// Annotations with a text of a person.
const TEXT_ANNOTATIONS: [&str; 2] = ["understudy.dev/reason", "understudy.dev/feedback"];
/// Environment variables that hold no credentials.
const KEPT_VARIABLES: [&str; 4] = ["RUST_LOG", "POD_NAME", "POD_NAMESPACE", "ORT_DYLIB_PATH"];
/// Files of the ConfigMaps of chart and operator.
const KEPT_FILES: [&str; 5] = ["config.yaml", "policy.json", "binding.json", "guard.json", "routing.json"];
/// Accounts of programs, which are not people.
const PROGRAMS: &str = "system:";
/// A text of a person that is at least this long is also removed where others quote it.
const QUOTED: usize = 4;

/// Knows the names and texts of people that were found so far.
#[derive(Clone, Debug)]
pub struct Redactor {
    /// Random, so that nobody can find a name by hashing a list of names.
    salt: [u8; 16],
    with_names: bool,
    names: BTreeSet<String>,
    /// The longest first: a text may be a part of a longer one.
    texts: BTreeSet<(Reverse<usize>, String)>,
}

impl Redactor {
    /// `with_names`: names of people stay.
    #[must_use]
    pub const fn new(salt: [u8; 16], with_names: bool) -> Self {
        Self { salt, with_names, names: BTreeSet::new(), texts: BTreeSet::new() }
    }

    /// Learns the names and texts in an object. Learn everything before anything is redacted: other objects quote them.
    pub fn learn(&mut self, object: &Value) {
        match object {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(fields) => {
                let decision = fields.contains_key("decision");
                for (key, value) in fields {
                    match value.as_str() {
                        Some(text) if is_name(key) => self.name(text),
                        // The reason of a condition is one word. That of a decision may be a text.
                        Some(text) if is_text(key, decision) => self.text_of(text),
                        // The log has a list of approvals as a text.
                        Some(text) if key == "approvals" => {
                            if let Ok(approvals) = serde_json::from_str::<Value>(text) {
                                self.learn(&approvals);
                            }
                        }
                        _ => self.learn(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// Learns the names and texts in the note of an event.
    pub fn learn_note(&mut self, note: &str) {
        let found = notes::read(note);
        found.names.into_iter().for_each(|name| self.name(name));
        found.texts.into_iter().for_each(|text| self.text_of(text));
    }

    /// Learns the names and texts in the operator's log, which has a JSON object on each line.
    pub fn learn_log(&mut self, log: &str) {
        for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            self.learn(&line);
        }
    }

    fn name(&mut self, name: &str) {
        if !name.is_empty() && !name.starts_with(PROGRAMS) {
            self.names.insert(name.to_owned());
        }
    }

    fn text_of(&mut self, text: &str) {
        if text.chars().count() >= QUOTED {
            // The log has it inside of JSON, and comments of approvers inside of JSON inside of JSON.
            let once = escaped(text);
            let forms = [text.to_owned(), escaped(&once), once];
            self.texts.extend(forms.map(|form| (Reverse(form.len()), form)));
        }
    }

    /// Removes everything of that kind from an object.
    pub fn object(&self, object: &mut Value) {
        // It may have changed since everything was learned.
        let mut own = Self::new(self.salt, self.with_names);
        own.learn(object);
        if own.names.is_subset(&self.names) && own.texts.is_subset(&self.texts) {
            self.scrub(object);
        } else {
            let mut all = self.clone();
            all.learn(object);
            all.scrub(object);
        }
    }

    fn scrub(&self, object: &mut Value) {
        // No Secret is ever read. If one comes anyway, nothing of it stays.
        if object["kind"] == "Secret" {
            *object = Value::Null;
            return;
        }
        // Whatever has data is treated as a ConfigMap: its kind could be missing.
        if object["data"].is_object() {
            keep_only(&mut object["data"], &KEPT_FILES);
        }
        object["binaryData"] = Value::Null;
        let metadata = &mut object["metadata"];
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.remove("managedFields");
        }
        annotations(&mut metadata["annotations"]);
        if object["apiVersion"].as_str().is_some_and(|v| v.starts_with("understudy.dev/")) {
            shorten(&mut object["spec"]["description"]);
            shorten(&mut object["spec"]["documentation"]["markdown"]);
        }
        self.value("", object);
        without_nulls(object);
    }

    fn value(&self, key: &str, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => {
                for item in items {
                    if key == "env" {
                        variable(item);
                    }
                    self.value("", item);
                }
            }
            Value::Object(fields) => {
                let decision = fields.contains_key("decision");
                for (key, field) in fields {
                    if is_text(key, decision) {
                        shorten(field);
                    } else if key == "annotations" {
                        // Also those of a pod's template.
                        annotations(field);
                        self.value(key, field);
                    } else {
                        self.value(key, field);
                    }
                }
            }
            _ => {}
        }
    }

    /// Removes everything of that kind from a text.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (_, known) in &self.texts {
            text = text.replace(known.as_str(), REDACTED);
        }
        let text = without_credentials(&text);
        if self.with_names {
            return text;
        }
        self.names.iter().rev().fold(text, |text, name| replace_word(&text, name, &self.hashed(name)))
    }

    fn hashed(&self, name: &str) -> String {
        let digest = Sha256::new().chain_update(self.salt).chain_update(name).finalize();
        format!("person-{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3])
    }
}

/// `requestedBy`, `by`, `understudy.dev/approved-by`, and `decided_by` in logs. Labels end in `-by` too.
fn is_name(key: &str) -> bool {
    key == "by"
        || key.ends_with("By")
        || key.ends_with("_by")
        || (key.starts_with("understudy.dev/") && key.ends_with("-by"))
}

/// Whether the field holds a text of a person. The reason of a condition is one word. That of a decision may be a text.
fn is_text(key: &str, decision: bool) -> bool {
    matches!(key, "feedback" | "comment" | "lastComment")
        || (decision && key == "reason")
        || TEXT_ANNOTATIONS.contains(&key)
}

/// The text as JSON has it between its quotes.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn annotations(annotations: &mut Value) {
    for (key, value) in annotations.as_object_mut().into_iter().flatten() {
        if !KEPT_ANNOTATIONS.iter().any(|kept| key.starts_with(kept)) {
            *value = REDACTED.into();
        }
    }
}

fn keep_only(data: &mut Value, kept: &[&str]) {
    for (key, value) in data.as_object_mut().into_iter().flatten() {
        if !kept.contains(&key.as_str()) {
            *value = REDACTED.into();
        }
    }
}

fn variable(variable: &mut Value) {
    let kept = variable["name"].as_str().is_some_and(|name| KEPT_VARIABLES.contains(&name));
    if !kept && variable["value"].is_string() {
        variable["value"] = REDACTED.into();
    }
}

fn shorten(value: &mut Value) {
    if let Some(text) = value.as_str() {
        *value = format!("(redacted: {} characters)", text.chars().count()).into();
    }
}

/// Indexing created fields that the object does not have.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(without_nulls);
            fields.retain(|_, field| !field.is_null());
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// Replaces a name where it is not part of a longer word.
fn replace_word(text: &str, name: &str, with: &str) -> String {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let (mut result, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let begins = !before.chars().next_back().or_else(|| result.chars().next_back()).is_some_and(part);
        let ends = !after.chars().next().is_some_and(part);
        result.push_str(before);
        result.push_str(if begins && ends { with } else { name });
        rest = after;
    }
    result + rest
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
