//! The recorder: what the rest of the server knows of records.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    counts::{Balance, Counts},
    fields::Fields,
    files::Files,
    loss::Loss,
    ring::{Common, Entry, Ring},
    row::Row,
    sink::Sink,
};
use crate::{
    columns::Columns,
    observe::call::{Call, Identity},
    signature::Signature,
};

/// A call that is not of the signature is told that often at most.
const TOLD: Duration = Duration::from_mins(1);

/// What never changes while the process lives.
#[derive(Debug)]
pub struct RecorderOptions {
    /// The `ModelDeployment`'s name.
    pub deployment: String,
    /// Main's signature.
    pub signature: Signature,
    /// Its columns.
    pub columns: Columns,
    /// Where records go; without it, only the newest rows are kept, on the pod.
    pub sink: Option<Sink>,
    /// Where files wait for the sink. Nobody else puts anything there.
    pub spool_dir: PathBuf,
    /// What open and waiting files may take, in bytes.
    pub spool_bytes: u64,
    /// The pod's name, by which its files differ from those of others.
    pub pod: String,
}

/// What may change at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingSettings {
    /// Columns that are kept nowhere.
    pub redact: Vec<String>,
    /// How old an open file may become.
    pub rotate_after: Duration,
    /// How long files are kept in the sink; for ever where absent.
    pub retention: Option<Duration>,
}

/// Records calls. It belongs to one thread, whose runtime also carries its uploads.
pub struct Recorder {
    common: Arc<Common>,
    columns: Columns,
    counts: Arc<Counts>,
    ring: Arc<Ring>,
    /// Absent while recording is off.
    settings: Option<RecordingSettings>,
    /// Of the last settings: a call that was due before recording was switched off is still written.
    fields: Option<Arc<Fields>>,
    /// Absent without a sink.
    files: Option<Files>,
    told: Option<Instant>,
}

impl Recorder {
    /// Takes over what a former process left in the spool. Nothing is recorded before [`Self::set`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime: uploads are tasks of it.
    #[must_use]
    pub fn start(options: RecorderOptions, counts: &Arc<Counts>, ring: &Arc<Ring>) -> Self {
        let RecorderOptions { deployment, signature, columns, sink, spool_dir, spool_bytes, pod } = options;
        Self {
            common: Arc::new(Common { deployment, signature }),
            columns,
            counts: Arc::clone(counts),
            ring: Arc::clone(ring),
            settings: None,
            fields: None,
            files: sink.map(|sink| Files::start(&spool_dir, spool_bytes, pod, sink, counts)),
            told: None,
        }
    }

    /// The settings from now on; none where recording is off.
    ///
    /// Where other columns are redacted than before, open files are closed, and the newest rows are forgotten: they
    /// would still show what must not be kept.
    pub fn set(&mut self, settings: Option<&RecordingSettings>) {
        if self.settings.as_ref() == settings {
            return;
        }
        let redact = |settings: Option<&RecordingSettings>| settings.map(|settings| settings.redact.clone());
        if redact(self.settings.as_ref()) != redact(settings) {
            self.ring.clear();
            if let Some(files) = &mut self.files {
                files.close_all();
            }
        }
        if let Some(settings) = settings {
            let fields = Fields::of(&self.common.signature, &self.columns, &settings.redact);
            if !fields.unknown.is_empty() {
                let unknown = fields.unknown.join(", ");
                tracing::warn!("recording.redact names columns that this model does not have: {unknown}");
            }
            self.fields = Some(fields);
        }
        if let Some(files) = &self.files {
            files.keep(settings.and_then(|settings| settings.retention));
        }
        self.settings = settings.cloned();
    }

    /// Records a call that is due; `main` is who answered it. Takes microseconds and never waits for the network.
    pub fn record(&mut self, call: Call, main: &Arc<Identity>) {
        if !call.record {
            return;
        }
        let Some(fields) = &self.fields else {
            return self.misfit("recording was never switched on");
        };
        let row = match Row::of(&call, main, &self.common.deployment, &self.common.signature) {
            Ok(row) => row,
            Err(what) => return self.misfit(&what),
        };
        if let Some(files) = &mut self.files {
            files.write(&row, call.at, &main.version, fields);
        }
        if self.settings.is_some() {
            let (main, common, fields) = (Arc::clone(main), Arc::clone(&self.common), Arc::clone(fields));
            self.ring.push(Entry { call, main, common, fields });
        }
    }

    /// Closes files that are old enough at `now`. To be called about every second.
    pub fn tick(&mut self, now: Instant) {
        if let Some(files) = &mut self.files {
            let rotate_after =
                self.settings.as_ref().map_or(Duration::ZERO, |settings| settings.rotate_after);
            files.tick(now, rotate_after);
        }
    }

    /// Uploads what there is until `deadline`, drops the rest, and tells how the books close.
    ///
    /// The spool is empty then: the volume that it is on ends with the pod. An upload that the deadline cut short counts
    /// as dropped, though the store may have it.
    pub async fn finish(self, deadline: Instant) -> Balance {
        if let Some(files) = self.files {
            files.finish(deadline).await;
            let balance = self.counts.balance();
            tracing::info!(
                due = balance.due,
                written = balance.written,
                dropped = balance.dropped(),
                pending = balance.pending(),
                dropped_by_reason = %reasons(&balance),
                "records"
            );
        }
        self.counts.balance()
    }

    fn misfit(&mut self, what: &str) {
        self.counts.dropped(Loss::Encode, 1);
        let now = Instant::now();
        if self.told.is_none_or(|told| now.duration_since(told) >= TOLD) {
            self.told = Some(now);
            tracing::warn!("a call is not recorded: {what}");
        }
    }
}

/// The lost rows of each reason, for the log: `queue_full=0 spool_full=12 disk=0 ...`.
fn reasons(balance: &Balance) -> String {
    Loss::ALL.map(|loss| format!("{}={}", loss.as_str(), balance.lost(loss))).join(" ")
}
