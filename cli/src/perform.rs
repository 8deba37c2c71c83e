//! The way of every write: show, ask, patch, and tell what was done.

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

/// A write that is ready to be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Which act it is.
    pub act: Act,
    /// What the person should know before they answer.
    pub summary: String,
    /// The question.
    pub question: String,
    /// The patches, in this order.
    pub writes: Vec<Write>,
    /// What was done, once it is.
    pub done: String,
    /// Id of the transition that it is about, where it is known.
    pub transition: Option<String>,
}

/// What was done; the JSON that every writing subcommand prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// The subcommand.
    pub action: &'static str,
    /// Kind of the object written to.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Who wrote.
    pub by: String,
    /// Id of the transition that it is about, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition: Option<String>,
    /// The plain kubectl commands that write the same.
    pub kubectl: Vec<String>,
    /// How it ended, with `--wait`.
    #[serde(rename = "outcome", skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// The same for people.
    #[serde(skip)]
    pub sentence: String,
}

impl Done {
    /// Prints it.
    pub fn show(&self, session: &Session) -> Result<(), Error> {
        output::show(session.globals.output, self, |done| match &done.ending {
            Some(ending) => format!("{}: {}", ending.reason, ending.message),
            None => done.sentence.clone(),
        })
    }
}

/// Carries the proposal out. `None` when only the commands were asked for.
///
/// # Panics
///
/// On a proposal that writes nothing.
pub async fn perform(
    session: &Session,
    me: &Identity,
    proposal: Proposal,
) -> Result<Option<(Done, Written)>, Error> {
    let flags = session.kubectl_flags();
    let kubectl: Vec<String> = proposal.writes.iter().map(|write| write.kubectl(&flags)).collect();
    let first = proposal.writes.first().expect("every proposal writes something");
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
    // A program that has said yes already reads no summary.
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
