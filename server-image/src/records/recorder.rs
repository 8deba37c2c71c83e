//! The recorder: the part of this module that the rest of the server uses.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::{info, warn};

use super::{
    counts::{Balance, Counts},
    fields::Fields,
    files::Files,
    large::LargeTensors,
    loss::Loss,
    ring::{Common, Entry, Ring},
    row::Row,
    sink::Sink,
};
use crate::{
    call::{Call, Identity},
    columns::Columns,
    signature::Signature,
};

/// Shortest time between two warnings about calls that do not fit the signature.
const WARN_INTERVAL: Duration = Duration::from_mins(1);

/// What stays the same while the process runs.
#[derive(Debug)]
pub struct RecorderOptions {
    /// The `ModelDeployment`'s name.
    pub deployment: String,
    /// Main's signature.
    pub signature: Arc<Signature>,
    /// The columns of main's inputs and outputs.
    pub columns: Columns,
    /// Where records are stored. Without a sink, the pod keeps the newest rows in memory only.
    pub sink: Option<Sink>,
    /// The directory of the spool. Only the recorder writes to it.
    pub spool_dir: PathBuf,
    /// Largest size of the spool in bytes: open files and files that wait for their upload.
    pub spool_bytes: u64,
    /// The pod's name. It is part of the file names, so that pods do not overwrite each other's files.
    pub pod: String,
}

/// What the routing file may change at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingSettings {
    /// Names of columns that are never recorded.
    pub redact: Vec<String>,
    /// Most elements of a column in one row. Larger tensors are recorded by shape and SHA-256.
    pub max_elements: usize,
    /// Age at which an open file is closed and uploaded.
    pub rotate_after: Duration,
    /// How long files stay in the sink. Without it they stay forever.
    pub retention: Option<Duration>,
}

/// Records calls. It belongs to one thread, and its uploads are tasks of that thread's runtime.
pub struct Recorder {
    common: Arc<Common>,
    columns: Columns,
    counts: Arc<Counts>,
    ring: Arc<Ring>,
    /// `None` while recording is off.
    settings: Option<RecordingSettings>,
    /// The fields of the last settings. They stay when recording is switched off, for the calls that are already due.
    fields: Option<Arc<Fields>>,
    /// `None` without a sink.
    files: Option<Files>,
    warned: Option<Instant>,
}

impl Recorder {
    /// Starts the recorder, which takes over the files of a former process in the spool. It records nothing before
    /// [`Self::set`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, since it spawns the uploads there.
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
            warned: None,
        }
    }

    /// Changes the settings. `None` switches recording off.
    ///
    /// If other columns are redacted than before, the recorder closes its open files and forgets the newest rows, since
    /// these rows still show the redacted values. Another limit of elements closes the files too: it can change their
    /// columns.
    pub fn set(&mut self, settings: Option<&RecordingSettings>) {
        if self.settings.as_ref() == settings {
            return;
        }
        let redact = |settings: Option<&RecordingSettings>| settings.map(|settings| settings.redact.clone());
        let limit = |settings: Option<&RecordingSettings>| settings.map(|settings| settings.max_elements);
        let same_redact = redact(self.settings.as_ref()) == redact(settings);
        if !same_redact {
            self.ring.clear();
        }
        if let Some(files) = &mut self.files
            && !(same_redact && limit(self.settings.as_ref()) == limit(settings))
        {
            files.close_all();
        }
        if let Some(settings) = settings {
            let fields =
                Fields::of(&self.common.signature, &self.columns, &settings.redact, settings.max_elements);
            if !fields.unknown.is_empty() {
                let columns = fields.unknown.join(", ");
                warn!(columns, "spec.recording.redact names columns that this model does not have");
            }
            self.fields = Some(fields);
        }
        if let Some(files) = &self.files {
            files.set_retention(settings.and_then(|settings| settings.retention));
        }
        self.settings = settings.cloned();
    }

    /// Records a call if it is due. `main` is the version that answered it. Takes microseconds, and longer for the
    /// SHA-256 of a large tensor. Never waits for the network.
    pub fn record(&mut self, mut call: Call, main: &Arc<Identity>) {
        if !call.record {
            return;
        }
        let Some(fields) = &self.fields else {
            return self.reject("recording was never switched on");
        };
        let large = LargeTensors::take(&mut call, &self.columns, fields);
        let row = match Row::of(&call, &large, main, &self.common.deployment, &self.common.signature) {
            Ok(row) => row,
            Err(reason) => return self.reject(&reason),
        };
        if let Some(files) = &mut self.files {
            files.write(&row, call.at, &main.version, fields);
        }
        if self.settings.is_some() {
            let (main, common, fields) = (Arc::clone(main), Arc::clone(&self.common), Arc::clone(fields));
            self.ring.push(Entry { call, large, main, common, fields });
        }
    }

    /// Closes the files that are old enough at `now`. The owner calls this about once a second.
    pub fn tick(&mut self, now: Instant) {
        if let Some(files) = &mut self.files {
            let rotate_after =
                self.settings.as_ref().map_or(Duration::ZERO, |settings| settings.rotate_after);
            files.tick(now, rotate_after);
        }
    }

    /// Uploads files until `deadline`, drops the rest, and returns the final balance.
    ///
    /// The spool is empty afterwards, because its volume is deleted with the pod. An upload that the deadline
    /// interrupts counts as dropped, although the store may have received it.
    pub async fn finish(self, deadline: Instant) -> Balance {
        if let Some(files) = self.files {
            files.finish(deadline).await;
            let balance = self.counts.balance();
            info!(
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

    /// Counts a call that cannot be recorded.
    fn reject(&mut self, reason: &str) {
        self.counts.dropped(Loss::Encode, 1);
        let now = Instant::now();
        if self.warned.is_none_or(|warned| now.duration_since(warned) >= WARN_INTERVAL) {
            self.warned = Some(now);
            warn!(reason, "failed to record a call");
        }
    }
}

/// The number of lost rows by reason, for the log: `queue_full=0 spool_full=12 disk=0 ...`.
fn reasons(balance: &Balance) -> String {
    Loss::ALL.map(|loss| format!("{}={}", loss.as_str(), balance.lost(loss))).join(" ")
}
