//! A write: a small merge patch, and the plain kubectl command that makes it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use understudy_crds::{
    Stage,
    annotations::{ACCEPTED_BY, APPROVED_BY, REJECTED_BY, REQUESTED_BY, ROLLBACK_BY},
};

use crate::kubectl::command;

/// The annotations with the name of the person who acts.
const NAMES: [&str; 5] = [REQUESTED_BY, APPROVED_BY, REJECTED_BY, ACCEPTED_BY, ROLLBACK_BY];

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
    /// The kind of the object.
    pub target: Target,
    /// Its name.
    pub name: String,
    /// The new `spec.stage`, if it changes.
    pub stage: Option<Stage>,
    /// Annotations to set; those with `None` are removed.
    pub annotations: BTreeMap<&'static str, Option<String>>,
}

impl Write {
    /// A write of these annotations.
    #[must_use]
    pub fn annotate(target: Target, name: &str, annotations: &[(&'static str, &str)]) -> Self {
        let annotations = annotations.iter().map(|(key, value)| (*key, Some((*value).to_owned()))).collect();
        Self { target, name: name.to_owned(), stage: None, annotations }
    }

    /// Also sets this annotation.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: &str) -> Self {
        self.annotations.insert(key, Some(value.to_owned()));
        self
    }

    /// Also removes an annotation.
    #[must_use]
    pub fn without(mut self, key: &'static str) -> Self {
        self.annotations.insert(key, None);
        self
    }

    /// The annotation with the name of the person who acts, and this name.
    #[must_use]
    pub fn author(&self) -> Option<(&'static str, &str)> {
        let named = |key: &&'static str| Some((*key, self.annotations.get(key)?.as_deref()?));
        NAMES.iter().find_map(named)
    }

    /// Replaces the name of the person who acts.
    pub fn sign(&mut self, name: &str) {
        if let Some((key, _)) = self.author() {
            self.annotations.insert(key, Some(name.to_owned()));
        }
    }

    /// Also changes `spec.stage`.
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

    /// The kubectl command that makes the same patch.
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

#[cfg(test)]
mod tests {
    use understudy_crds::annotations::{ACCEPT, FEEDBACK, REASON, REJECT, REQUESTED_BY};

    use super::*;

    #[test]
    fn a_request_is_one_patch_of_stage_and_requester() {
        let write = Write::annotate(Target::Version, "fraud-1.3.0", &[(REQUESTED_BY, "alice")])
            .with_stage(Stage::Staging);
        assert_eq!(
            write.kubectl(&["-n".into(), "risk".into()]),
            r#"kubectl patch mv fraud-1.3.0 --type merge -p '{"metadata":{"annotations":{"understudy.dev/requested-by":"alice"}},"spec":{"stage":"Staging"}}' -n risk"#
        );
    }

    #[test]
    fn only_the_name_of_the_person_who_acts_is_replaced() {
        let mut write =
            Write::annotate(Target::Version, "f", &[(REJECT, "6f1c"), (REJECTED_BY, "bob"), (REASON, "bob")]);
        assert_eq!(write.author(), Some((REJECTED_BY, "bob")));
        write.sign("bob@example.com");
        assert_eq!(
            write.patch()["metadata"]["annotations"],
            json!({REJECT: "6f1c", REJECTED_BY: "bob@example.com", REASON: "bob"})
        );
    }

    #[test]
    fn a_removed_annotation_is_null_in_the_patch_and_ends_in_a_dash_in_kubectl() {
        let write = Write::annotate(Target::Version, "fraud-1.3.0", &[(ACCEPT, "passed")]).without(FEEDBACK);
        assert_eq!(write.patch()["metadata"]["annotations"][FEEDBACK], Value::Null);
        assert_eq!(
            write.kubectl(&[]),
            "kubectl annotate mv fraud-1.3.0 --overwrite understudy.dev/accept=passed understudy.dev/feedback-"
        );
    }

    #[test]
    fn a_shell_passes_a_reason_with_quotes_on_unchanged() {
        let write = Write::annotate(Target::Version, "f", &[(REJECT, "6f1c"), (REASON, "it's $HOME; rm")]);
        assert!(
            write
                .kubectl(&[])
                .ends_with(r"'understudy.dev/reason=it'\''s $HOME; rm' understudy.dev/reject=6f1c")
        );
    }
}
