//! What is written: a small patch, and the plain kubectl command that writes the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use understudy_crds::Stage;

/// The kind of the object that is patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `ModelVersion`
    Version,
    /// `ModelDeployment`
    Deployment,
}

impl Target {
    const fn short(self) -> &'static str {
        match self {
            Self::Version => "mv",
            Self::Deployment => "mdep",
        }
    }

    /// The kind's name.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Version => "ModelVersion",
            Self::Deployment => "ModelDeployment",
        }
    }
}

/// One patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What kind of object.
    pub target: Target,
    /// Its name.
    pub name: String,
    /// A new `spec.stage`.
    pub stage: Option<Stage>,
    /// Annotations to set, or to remove.
    pub annotations: BTreeMap<&'static str, Option<String>>,
}

impl Write {
    /// Sets these annotations.
    #[must_use]
    pub fn annotate(target: Target, name: &str, annotations: &[(&'static str, &str)]) -> Self {
        let annotations = annotations.iter().map(|(key, value)| (*key, Some((*value).to_owned()))).collect();
        Self { target, name: name.to_owned(), stage: None, annotations }
    }

    /// Sets one more annotation.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: &str) -> Self {
        self.annotations.insert(key, Some(value.to_owned()));
        self
    }

    /// Removes an annotation too.
    #[must_use]
    pub fn without(mut self, key: &'static str) -> Self {
        self.annotations.insert(key, None);
        self
    }

    /// Changes `spec.stage` too.
    #[must_use]
    pub fn with_stage(mut self, stage: Stage) -> Self {
        self.stage = Some(stage);
        self
    }

    /// The merge patch.
    #[must_use]
    pub fn patch(&self) -> Value {
        let mut patch = json!({"metadata": {"annotations": self.annotations}});
        if let Some(stage) = self.stage {
            patch["spec"] = json!({"stage": stage});
        }
        patch
    }

    /// The kubectl command that writes the same.
    #[must_use]
    pub fn kubectl(&self, flags: &[String]) -> String {
        let mut words = vec!["kubectl".to_owned()];
        if self.stage.is_some() {
            words.extend(
                ["patch", self.target.short(), &self.name, "--type", "merge", "-p"].map(str::to_owned),
            );
            words.push(self.patch().to_string());
        } else {
            words.extend(["annotate", self.target.short(), &self.name, "--overwrite"].map(str::to_owned));
            words.extend(self.annotations.iter().map(|(key, value)| match value {
                Some(value) => format!("{key}={value}"),
                None => format!("{key}-"),
            }));
        }
        words.extend(flags.iter().cloned());
        command(&words)
    }
}

/// Words as one line that a shell reads back as the same words.
#[must_use]
pub fn command(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use understudy_crds::annotations::{ACCEPT, FEEDBACK, REASON, REJECT, REQUESTED_BY};

    use super::*;

    #[test]
    fn a_request_is_one_patch_of_stage_and_name() {
        let write = Write::annotate(Target::Version, "fraud-1.3.0", &[(REQUESTED_BY, "alice")])
            .with_stage(Stage::Staging);
        assert_eq!(
            write.kubectl(&["-n".into(), "risk".into()]),
            r#"kubectl patch mv fraud-1.3.0 --type merge -p '{"metadata":{"annotations":{"understudy.dev/requested-by":"alice"}},"spec":{"stage":"Staging"}}' -n risk"#
        );
    }

    #[test]
    fn a_removed_annotation_is_null_in_the_patch_and_a_dash_in_kubectl() {
        let write = Write::annotate(Target::Version, "fraud-1.3.0", &[(ACCEPT, "passed")]).without(FEEDBACK);
        assert_eq!(write.patch()["metadata"]["annotations"][FEEDBACK], Value::Null);
        assert_eq!(
            write.kubectl(&[]),
            "kubectl annotate mv fraud-1.3.0 --overwrite understudy.dev/accept=passed understudy.dev/feedback-"
        );
    }

    #[test]
    fn a_reason_with_quotes_reaches_kubectl_as_it_is() {
        let write = Write::annotate(Target::Version, "f", &[(REJECT, "6f1c"), (REASON, "it's $HOME; rm")]);
        assert!(
            write
                .kubectl(&[])
                .ends_with(r"'understudy.dev/reason=it'\''s $HOME; rm' understudy.dev/reject=6f1c")
        );
    }
}
