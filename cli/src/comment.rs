//! The comment on an act: the annotation `understudy.dev/reason`, which belongs to the act whose write changes it. Pure.

use kube::ResourceExt;
use understudy_crds::{ModelDeployment, ModelVersion, annotations::REASON};

use crate::{error::Error, write::Write};

/// What a write does with the annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comment {
    /// It sets this text.
    Set(String),
    /// It removes the comment of an earlier act.
    Remove,
    /// No comment is there, and none is given.
    None,
}

impl Comment {
    /// For an act on a version.
    pub fn on_version(mv: &ModelVersion, text: Option<&str>) -> Result<Self, Error> {
        let last = mv.status.as_ref().and_then(|status| status.last_comment.as_deref());
        Self::beside(mv.annotations().get(REASON).map(String::as_str), last, text)
    }

    /// For an act on a deployment.
    pub fn on_deployment(md: &ModelDeployment, text: Option<&str>) -> Result<Self, Error> {
        let last = md.status.as_ref().and_then(|status| status.last_comment.as_deref());
        Self::beside(md.annotations().get(REASON).map(String::as_str), last, text)
    }

    /// `present` is the annotation now, and `last` what it was at the newest recorded act. The text of either would not be
    /// recorded as the comment of another act.
    fn beside(present: Option<&str>, last: Option<&str>, text: Option<&str>) -> Result<Self, Error> {
        match text {
            Some(text) if [present, last].contains(&Some(text)) => Err(Error::Refused(format!(
                "an earlier act has this comment already, and {REASON} is recorded only if it changes: write the \
                 comment in other words. Nothing was written"
            ))),
            Some(text) => Ok(Self::Set(text.to_owned())),
            None if present.is_some() => Ok(Self::Remove),
            None => Ok(Self::None),
        }
    }

    /// The write, with this comment.
    #[must_use]
    pub fn on(&self, write: Write) -> Write {
        match self {
            Self::Set(text) => write.with(REASON, text),
            Self::Remove => write.without(REASON),
            Self::None => write,
        }
    }

    /// The first of two writes that make one act: it only removes the comment of an earlier act.
    #[must_use]
    pub fn on_step_back(&self, write: Write) -> Write {
        match self {
            Self::Set(_) | Self::Remove => write.without(REASON),
            Self::None => write,
        }
    }

    /// The second of two writes that make one act.
    #[must_use]
    pub fn on_step_forth(&self, write: Write) -> Write {
        match self {
            Self::Set(text) => write.with(REASON, text),
            Self::Remove | Self::None => write,
        }
    }

    /// The comment after a sentence: `: retrained on October`.
    #[must_use]
    pub fn after_colon(&self) -> String {
        match self {
            Self::Set(text) => format!(": {text}"),
            Self::Remove | Self::None => String::new(),
        }
    }
}

/// The value of `--reason`. An empty comment would not be recorded.
pub fn text(given: &str) -> Result<String, String> {
    match given.trim() {
        "" => Err("the text is empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        fixtures::{deployment, version},
        write::Target,
    };

    fn commented(comment: &str) -> Value {
        json!({"metadata": {"annotations": {"understudy.dev/reason": comment}}})
    }

    #[test]
    fn a_comment_of_an_earlier_act_is_removed_or_replaced() {
        let mv = version(commented("too early"));
        let write = || Write::annotate(Target::Version, "fraud-1.3.0", &[]);
        let without = Comment::on_version(&mv, None).unwrap();
        assert_eq!(
            without.on(write()).patch()["metadata"]["annotations"],
            json!({"understudy.dev/reason": null})
        );
        let with = Comment::on_version(&mv, Some("recall is back")).unwrap();
        assert_eq!(
            with.on(write()).patch()["metadata"]["annotations"],
            json!({"understudy.dev/reason": "recall is back"})
        );
        let nothing = Comment::on_version(&version(json!({})), None).unwrap();
        assert_eq!(nothing.on(write()), write());
    }

    #[rstest]
    #[case::still_there(commented("too early"))]
    #[case::removed_since(json!({"status": {"lastComment": "too early"}}))]
    fn a_comment_that_would_not_be_recorded_is_refused(#[case] parts: Value) {
        for refused in [
            Comment::on_version(&version(parts.clone()), Some("too early")),
            Comment::on_deployment(&deployment(parts), Some("too early")),
        ] {
            let why = refused.unwrap_err().to_string();
            assert!(why.starts_with("refused: an earlier act has this comment already"), "{why}");
        }
    }

    #[test]
    fn a_comment_of_spaces_is_wrong_usage() {
        assert_eq!(text(" recall fell\n"), Ok("recall fell".to_owned()));
        assert!(text(" \n").is_err());
    }
}
