//! Every write: show what it does, ask, patch, print what was done.

use serde::Serialize;

use crate::{
    ask,
    error::Error,
    globals::Format,
    identity::{Act, Identity},
    output,
    progress::Ending,
    session::{Session, Written},
    write::Write,
};

/// A write that the user has not confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The act.
    pub act: Act,
    /// What the user should know before they answer.
    pub summary: String,
    /// The question for the user.
    pub question: String,
    /// The patches, in this order.
    pub writes: Vec<Write>,
    /// What was done, in the past tense, for the time after it.
    pub done: String,
    /// Id of the transition, if it is known.
    pub transition: Option<String>,
}

/// What was done; the JSON of every subcommand that writes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// The name of the subcommand.
    pub action: &'static str,
    /// Kind of the object.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The acting user.
    pub by: String,
    /// Id of the transition, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition: Option<String>,
    /// The plain kubectl commands that make the same patches.
    pub kubectl: Vec<String>,
    /// With `--wait`: how it ended.
    #[serde(rename = "outcome", skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// The same as a sentence.
    #[serde(skip)]
    pub sentence: String,
}

impl Done {
    /// Prints it to stdout.
    pub fn show(&self, session: &Session) -> Result<(), Error> {
        output::show(session.globals.output, self, |done| match &done.ending {
            Some(ending) => format!("{}: {}", ending.reason, ending.message),
            None => done.sentence.clone(),
        })
    }
}

/// Asks, and makes the patches. `None` with `--show-kubectl`, which only prints the commands.
///
/// # Panics
///
/// If the proposal has no patch.
pub async fn perform(
    session: &Session,
    me: &Identity,
    proposal: Proposal,
) -> Result<Option<(Done, Written)>, Error> {
    let flags = session.kubectl_flags();
    let kubectl: Vec<String> = proposal.writes.iter().map(|write| write.kubectl(&flags)).collect();
    let first = proposal.writes.first().expect("every proposal has a patch");
    let mut done = Done {
        action: proposal.act.as_str(),
        kind: first.target.kind(),
        namespace: session.namespace.clone(),
        name: first.name.clone(),
        by: me.name.clone(),
        transition: proposal.transition,
        kubectl,
        ending: None,
        sentence: proposal.done,
    };
    if session.globals.show_kubectl {
        done.sentence = done.kubectl.join("\n");
        done.show(session)?;
        return Ok(None);
    }
    // A program that passes --yes does not read a summary.
    let unread = session.globals.yes && session.globals.output == Format::Json;
    if !(unread || proposal.summary.is_empty()) {
        output::note(proposal.summary.trim_end());
        output::note("");
    }
    ask::confirm(&proposal.question, session.globals.yes)?;
    let mut written = Written { generation: None };
    for write in &proposal.writes {
        written = session.write(proposal.act, write).await?;
    }
    Ok(Some((done, written)))
}
