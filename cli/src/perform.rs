//! Every write: show what it does, ask, patch, print what was done.

use serde::Serialize;

use crate::{
    ask,
    error::Error,
    globals::Format,
    identity::{Act, Identity, demanded},
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
    /// What was done, in the past tense and after the name of the person who did it.
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
    /// The acting person, as recorded.
    pub by: String,
    /// Id of the transition, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition: Option<String>,
    /// Number of people who must still approve the request, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals_needed: Option<i32>,
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
    let Proposal { act, summary, question, mut writes, done: sentence, transition } = proposal;
    let first = writes.first().expect("every proposal has a patch");
    let mut done = Done {
        action: act.as_str(),
        kind: first.target.kind(),
        namespace: session.namespace.clone(),
        name: first.name.clone(),
        by: me.name.clone(),
        transition,
        approvals_needed: None,
        kubectl: commands(session, &writes),
        ending: None,
        sentence: String::new(),
    };
    if session.globals.show_kubectl {
        done.sentence = done.kubectl.join("\n");
        done.show(session)?;
        return Ok(None);
    }
    // A program that passes --yes does not read a summary.
    let unread = session.globals.yes && session.globals.output == Format::Json;
    if !(unread || summary.is_empty()) {
        output::note(summary.trim_end());
        output::note("");
    }
    ask::confirm(&question, session.globals.yes)?;
    let written = write(session, act, &mut writes).await?;
    if let Some(author) = &written.author {
        sign(&mut writes, author);
        done.by.clone_from(author);
    }
    done.kubectl = commands(session, &writes);
    done.sentence = format!("{} {sentence}", done.by);
    Ok(Some((done, written)))
}

fn commands(session: &Session, writes: &[Write]) -> Vec<String> {
    let flags = session.kubectl_flags();
    writes.iter().map(|write| write.kubectl(&flags)).collect()
}

fn sign(writes: &mut [Write], name: &str) {
    for write in writes {
        write.sign(name);
    }
}

/// Makes the patches. The approval policy may know the user by another name: then it refuses with that name, and the patch
/// is made once more with it.
async fn write(session: &Session, act: Act, writes: &mut [Write]) -> Result<Written, Error> {
    let mut written = Written::default();
    for place in 0..writes.len() {
        written = match session.write(act, &writes[place]).await {
            Ok(written) => written,
            Err(error) => {
                let Some(name) = demanded_name(&error, &writes[place]) else { return Err(error) };
                sign(writes, &name);
                session.write(act, &writes[place]).await?
            }
        };
        if written.author.is_none() {
            written.author = writes[place].author().map(|(_, name)| name.to_owned());
        }
    }
    Ok(written)
}

/// The name that the approval policy demands instead of the one in the write.
fn demanded_name(error: &Error, write: &Write) -> Option<String> {
    let Error::Api { source, .. } = error else { return None };
    let kube::Error::Api(status) = source.as_ref() else { return None };
    let (key, written) = write.author()?;
    demanded(&status.message, key).filter(|name| *name != written).map(str::to_owned)
}
