//! Random faults in random order: the counts balance, and the sink has exactly the rows that count as written.

use std::time::Duration;

use proptest::prelude::*;
use understudy_server::records::{Loss, RecordingSettings};

use crate::{
    calls::{MIDNIGHT, call_at},
    setup::{Process, Setup, counts_of, numbers},
};

#[derive(Debug, Clone)]
enum Step {
    /// This number of calls, this number of hours after midnight.
    Record(u64, u64),
    Tick,
    Rotate,
    /// Mounts or unmounts the PVC.
    Mount(bool),
    /// Restores the spool's folder, or replaces it by a file if it is empty.
    Spool(bool),
    /// Redacts other columns.
    Redact(bool),
    /// Advances the clock by this number of seconds.
    Wait(u64),
    /// Kills the process after it has written its journals, and starts the next one.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1..3000_u64, 0..30_u64).prop_map(|(calls, hours)| Step::Record(calls, hours)),
        1 => Just(Step::Tick),
        2 => Just(Step::Rotate),
        2 => any::<bool>().prop_map(Step::Mount),
        1 => any::<bool>().prop_map(Step::Spool),
        1 => any::<bool>().prop_map(Step::Redact),
        3 => (0..40_u64).prop_map(Step::Wait),
        1 => Just(Step::Crash),
    ]
}

fn set_exists(setup: &Setup, name: &str, exists: bool) {
    let (path, aside) = (setup.path(name), setup.path(&format!("{name}-aside")));
    if exists && aside.exists() {
        let _ = std::fs::remove_file(&path);
        std::fs::rename(aside, path).unwrap();
    } else if !exists && !aside.exists() && path.exists() {
        std::fs::rename(&path, aside).unwrap();
        std::fs::write(path, "").unwrap();
    }
}

/// The calls of all processes, and the rows that these processes counted as written or dropped.
#[derive(Debug, Default)]
struct Ledger {
    calls: u64,
    written: u64,
    dropped: u64,
    stopping: u64,
}

impl Ledger {
    fn close(&mut self, balance: &understudy_server::records::Balance) {
        self.written += balance.written;
        self.dropped += balance.dropped();
        self.stopping += balance.lost(Loss::Stopping);
    }
}

async fn run(steps: Vec<Step>, deadline: bool) -> Result<(), TestCaseError> {
    let mut setup = Setup::new();
    setup.spool_bytes = 256 << 10;
    let mut ledger = Ledger::default();
    let mut process = setup.start(setup.pvc());
    for step in steps {
        match step {
            Step::Record(calls, hours) => {
                for number in ledger.calls..ledger.calls + calls {
                    let at = MIDNIGHT + Duration::from_hours(hours) + Duration::from_millis(number);
                    process.call(call_at(number, at));
                }
                ledger.calls += calls;
            }
            Step::Tick => process.recorder.tick(tokio::time::Instant::now()),
            Step::Rotate => process.rotate(),
            Step::Mount(exists) => set_exists(&setup, "pvc", exists),
            Step::Spool(false) if !setup.spool().is_empty() => {}
            Step::Spool(exists) => set_exists(&setup, "spool", exists),
            Step::Redact(redacted) => {
                let redact = if redacted { vec!["age".to_owned()] } else { vec![] };
                setup.settings = RecordingSettings { redact, ..setup.settings.clone() };
                process.recorder.set(Some(&setup.settings));
            }
            Step::Wait(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            Step::Crash => {
                // The next process finds the pending rows if the spool exists.
                set_exists(&setup, "spool", true);
                process.recorder.tick(tokio::time::Instant::now());
                let before = process.counts.balance();
                prop_assert_eq!(before.pending(), setup.spooled());
                ledger.close(&before);
                process.kill();
                process = setup.start(setup.pvc());
                prop_assert_eq!(process.counts.balance().due, before.pending());
            }
        }
        let Process { counts, .. } = &process;
        let [due, written, dropped, pending] = counts_of(&counts.balance());
        prop_assert_eq!(due, written + dropped + pending);
    }
    set_exists(&setup, "spool", true);
    set_exists(&setup, "pvc", true);
    let balance = if deadline { process.finish_now().await } else { process.finish().await };
    prop_assert_eq!(balance.pending(), 0);
    ledger.close(&balance);
    prop_assert_eq!(ledger.written + ledger.dropped, ledger.calls);
    let rows = numbers(&setup.rows()).len() as u64;
    // The deadline may interrupt an upload that the store has received.
    prop_assert!(
        (ledger.written..=ledger.written + ledger.stopping).contains(&rows),
        "{} {:?}",
        rows,
        ledger
    );
    if !deadline {
        prop_assert_eq!(rows, ledger.written);
    }
    prop_assert_eq!(setup.spool().len(), 0);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_is_in_the_sink_once_or_counted(
        steps in prop::collection::vec(step(), 1..25),
        deadline in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps, deadline))?;
    }
}
