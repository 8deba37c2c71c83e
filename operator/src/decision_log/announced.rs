//! What this process has announced about each version. Pure.
//!
//! The status is what counts, and announcements follow from it: each pass compares the status with what was announced.
//! So a crash, a lost answer or a failed publication after the write of a status delays an announcement, but does not
//! lose it. An announcement can come twice, never zero times.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    time::Duration,
};

use jiff::Timestamp;
use understudy_crds::{Acceptance, Grant, HistoryEntry, ModelVersion, Stage, Transition};

/// A new leader replays decisions from this long before the leader before it renewed the Lease last. It covers a pass that
/// took long, and one leader in between that ended soon.
const LINES_BEFORE: Duration = Duration::from_mins(10);
/// The same for events. It is shorter, because an event is a write: a change of leader does not write events about what
/// was announced minutes ago.
const EVENTS_BEFORE: Duration = Duration::from_mins(1);
/// Nothing older than this is replayed: without a leader nothing was decided, and the time in the Lease may be wrong.
const LONGEST: Duration = Duration::from_hours(24);
/// Versions that are remembered before deleted ones are forgotten for the first time.
const FIRST_SWEEP: usize = 1000;

/// From when on a process replays what earlier processes recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replay {
    /// Decisions from this time on get a log line.
    lines: Timestamp,
    /// What happened from this time on gets an event.
    events: Timestamp,
}

impl Replay {
    /// For a process that leads from `now` on. The leader before it renewed the Lease last at `renewal`, by its own clock.
    /// `None` if that is not known.
    pub fn after(renewal: Option<Timestamp>, now: Timestamp) -> Self {
        let earlier = |at: Timestamp, by: Duration| at.checked_sub(by).unwrap_or(Timestamp::MIN);
        let oldest = earlier(now, LONGEST);
        let from = |before: Duration| {
            // A clock that is ahead must not hide what was decided just now.
            let from = renewal.map_or(oldest, |at| earlier(at.min(now), before));
            from.max(oldest)
        };
        let events = if renewal.is_some() { from(EVENTS_BEFORE) } else { earlier(now, EVENTS_BEFORE) };
        Self { lines: from(LINES_BEFORE), events }
    }

    /// Replays nothing.
    #[cfg(test)]
    pub fn nothing() -> Self {
        Self { lines: Timestamp::MAX, events: Timestamp::MAX }
    }
}

/// Decisions that need a log line.
#[derive(Debug, PartialEq)]
pub struct Lines {
    /// Their places in the history.
    pub entries: Range<usize>,
    /// Whether an earlier process recorded them, and may have logged them.
    pub replayed: bool,
}

/// Something that needs an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// The entry at this place of the history.
    Decided(usize, &'a HistoryEntry),
    /// A request was opened.
    Requested(&'a Transition),
    /// One more person approved an open request, which needs more approvals.
    Approved(&'a Transition, &'a Grant),
    /// A tester gave a verdict.
    Accepted(&'a Acceptance),
    /// An approved version reached its stage.
    Reached(Stage),
}

/// What was announced about one version.
#[derive(Debug)]
struct Known {
    /// Entries of the history with a log line, from the first on.
    lines: usize,
    /// Entries of the history with an event, from the first on.
    events: usize,
    /// Id of the newest request with an event.
    request: Option<String>,
    /// Approvals of the newest request with an event, from the first on.
    approvals: usize,
    /// Time of the newest verdict with an event.
    verdict: Option<Timestamp>,
    /// The stage to which an approved transition leads that was seen and has not ended.
    leads_to: Option<Stage>,
}

impl Known {
    /// What an earlier process is assumed to have announced.
    fn at_first_sight(version: &ModelVersion, replay: &Replay) -> Self {
        let history = version.history();
        let before = |from: Timestamp| {
            history.iter().position(|entry| entry.decided_at.0 >= from).unwrap_or(history.len())
        };
        let request = open(version).filter(|request| request.requested_at.0 < replay.events);
        let verdict = verdict(version).map(|verdict| verdict.at.0).filter(|at| *at < replay.events);
        let approvals = request
            .map_or(0, |request| request.approvals.iter().filter(|grant| grant.at.0 < replay.events).count());
        Self {
            approvals,
            lines: before(replay.lines),
            events: before(replay.events),
            request: request.map(|request| request.id.clone()),
            verdict,
            leads_to: None,
        }
    }

    fn events<'a>(&self, version: &'a ModelVersion) -> Vec<Event<'a>> {
        let decided = version.history().iter().enumerate().skip(self.events);
        let mut events: Vec<_> = decided.map(|(place, entry)| Event::Decided(place, entry)).collect();
        if let Some(request) = open(version) {
            let is_known = self.request.as_ref() == Some(&request.id);
            let known = if is_known { self.approvals } else { 0 };
            events.extend((!is_known).then_some(Event::Requested(request)));
            events.extend(request.approvals.iter().skip(known).map(|grant| Event::Approved(request, grant)));
        }
        let verdict = verdict(version).filter(|verdict| self.verdict != Some(verdict.at.0));
        events.extend(verdict.map(Event::Accepted));
        let reached = self.leads_to.filter(|to| version.transition().is_none() && version.stage() == *to);
        events.extend(reached.map(Event::Reached));
        events
    }
}

fn open(version: &ModelVersion) -> Option<&Transition> {
    version.transition().filter(|transition| transition.approval.is_none())
}

fn verdict(version: &ModelVersion) -> Option<&Acceptance> {
    version.status.as_ref().and_then(|status| status.acceptance.as_ref())
}

/// What this process has announced, by the uid of the version.
#[derive(Debug)]
pub struct Announced {
    replay: Replay,
    versions: HashMap<String, Known>,
    next_sweep: usize,
}

impl Announced {
    /// Nothing yet.
    pub fn new(replay: Replay) -> Self {
        Self { replay, versions: HashMap::new(), next_sweep: FIRST_SWEEP }
    }

    /// What is to be announced about a version. The lines count as logged from now on, the events only once they are
    /// [`published`](Self::published).
    pub fn news<'a>(&mut self, version: &'a ModelVersion) -> (Lines, Vec<Event<'a>>) {
        let uid = version.metadata.uid.clone().unwrap_or_default();
        let replayed = !self.versions.contains_key(&uid);
        let known = self.versions.entry(uid).or_insert_with(|| Known::at_first_sight(version, &self.replay));
        // A cache may be older than what was announced.
        let entries = known.lines..version.history().len().max(known.lines);
        known.lines = entries.end;
        match version.transition() {
            Some(transition) => known.leads_to = transition.approval.as_ref().map(|_| transition.to),
            None if known.leads_to != Some(version.stage()) => known.leads_to = None,
            None => {}
        }
        (Lines { entries, replayed }, known.events(version))
    }

    /// The event was published, or cannot be published.
    pub fn published(&mut self, version: &ModelVersion, event: &Event) {
        let uid = version.metadata.uid.as_deref().unwrap_or_default();
        let Some(known) = self.versions.get_mut(uid) else { return };
        match event {
            Event::Decided(place, _) => known.events = known.events.max(place + 1),
            Event::Requested(request) => {
                known.request = Some(request.id.clone());
                known.approvals = 0;
            }
            Event::Approved(request, grant) if known.request.as_ref() == Some(&request.id) => {
                let place = request.approvals.iter().position(|g| g == *grant);
                known.approvals = known.approvals.max(place.map_or(0, |place| place + 1));
            }
            Event::Approved(..) => {}
            Event::Accepted(verdict) => known.verdict = Some(verdict.at.0),
            Event::Reached(_) => known.leads_to = None,
        }
    }

    /// Whether so many versions are remembered that deleted ones must be [forgotten](Self::forget_all_but).
    pub fn needs_sweep(&self) -> bool {
        self.versions.len() >= self.next_sweep
    }

    /// Forgets versions that no longer exist. At most twice as many versions are remembered as exist, and some.
    pub fn forget_all_but(&mut self, uids: &HashSet<String>) {
        self.versions.retain(|uid, _| uids.contains(uid));
        self.versions.shrink_to_fit();
        self.next_sweep = uids.len().saturating_mul(2).max(FIRST_SWEEP);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::{self, NOW, approval, approved, at, request, with};

    fn version(status: &Value) -> ModelVersion {
        fixtures::version("1.3.0", json!({"status": status}))
    }

    fn announced(renewal: &str) -> Announced {
        Announced::new(Replay::after(Some(at(renewal)), at(NOW)))
    }

    fn lines(announced: &mut Announced, version: &ModelVersion) -> (Range<usize>, bool) {
        let (lines, _) = announced.news(version);
        (lines.entries, lines.replayed)
    }

    #[rstest]
    #[case::a_crash_just_now("2026-11-21T11:59:50Z", "2026-11-21T11:49:50Z", "2026-11-21T11:58:50Z")]
    #[case::an_outage("2026-11-21T01:00:00Z", "2026-11-21T00:50:00Z", "2026-11-21T00:59:00Z")]
    #[case::a_long_outage("2026-10-01T00:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z")]
    #[case::a_clock_that_is_ahead("2026-11-21T15:00:00Z", "2026-11-21T11:50:00Z", "2026-11-21T11:59:00Z")]
    fn a_new_leader_replays_from_before_the_end_of_the_leader_before_it(
        #[case] renewal: &str,
        #[case] lines: &str,
        #[case] events: &str,
    ) {
        let expected = Replay { lines: at(lines), events: at(events) };
        assert_eq!(Replay::after(Some(at(renewal)), at(NOW)), expected);
    }

    #[test]
    fn a_leader_after_an_unknown_one_replays_the_lines_of_a_day() {
        let expected = Replay { lines: at("2026-11-20T12:00:00Z"), events: at("2026-11-21T11:59:00Z") };
        assert_eq!(Replay::after(None, at(NOW)), expected);
    }

    #[test]
    fn each_entry_is_logged_once_and_only_those_of_an_earlier_process_are_marked() {
        let mut announced = announced("2026-11-21T11:59:50Z");
        let one = version(&json!({"history": [approval("1.3.0", "Staging")]}));
        let two =
            version(&json!({"history": [approval("1.3.0", "Staging"), approval("1.3.0", "Production")]}));
        assert_eq!(lines(&mut announced, &one), (0..1, true));
        assert_eq!(lines(&mut announced, &two), (1..2, false));
        assert_eq!(lines(&mut announced, &two), (2..2, false));
        assert_eq!(lines(&mut announced, &one), (2..2, false), "an older view announces nothing");
    }

    #[test]
    fn of_a_history_only_what_was_decided_after_the_horizon_is_replayed() {
        let old = with(approval("1.3.0", "Staging"), json!({"decidedAt": "2026-11-21T11:00:00Z"}));
        let version = version(&json!({"history": [old, approval("1.3.0", "Production")]}));
        assert_eq!(lines(&mut announced("2026-11-21T11:59:50Z"), &version), (1..2, true));
    }

    #[test]
    fn an_event_is_repeated_until_it_is_published() {
        let mut announced = announced("2026-11-21T11:59:50Z");
        let version =
            version(&json!({"history": [approval("1.3.0", "Staging"), approval("1.3.0", "Production")]}));
        let (_, events) = announced.news(&version);
        assert_eq!(events.len(), 2);
        announced.published(&version, &events[0]);
        assert_eq!(announced.news(&version).1, events[1..]);
    }

    #[test]
    fn a_stage_is_reached_once_an_approved_transition_to_it_has_ended() {
        let mut announced = announced("2026-11-21T11:59:50Z");
        let rolling = approved(request("1.3.0", "Staging", "Production"));
        assert_eq!(announced.news(&version(&json!({"stage": "Staging", "transition": rolling}))).1, []);
        let there = version(&json!({"stage": "Production"}));
        assert_eq!(announced.news(&there).1, [Event::Reached(Stage::Production)]);
        announced.published(&there, &Event::Reached(Stage::Production));
        assert_eq!(announced.news(&there).1, []);
    }

    #[test]
    fn a_transition_that_ended_without_its_stage_reaches_nothing() {
        let mut announced = announced("2026-11-21T11:59:50Z");
        let rolling = approved(request("1.3.0", "Staging", "Production"));
        announced.news(&version(&json!({"stage": "Staging", "transition": rolling})));
        announced.news(&version(&json!({"stage": "Staging"})));
        assert_eq!(announced.news(&version(&json!({"stage": "Production"}))).1, []);
    }

    #[test]
    fn deleted_versions_are_forgotten() {
        let mut announced = announced("2026-11-21T11:59:50Z");
        let mut uids = HashSet::new();
        for number in 0..FIRST_SWEEP {
            let uid = format!("uid-{number}");
            let mut version = version(&json!({}));
            version.metadata.uid = Some(uid.clone());
            announced.news(&version);
            if number < 3 {
                uids.insert(uid);
            }
        }
        assert!(announced.needs_sweep());
        announced.forget_all_but(&uids);
        assert_eq!((announced.versions.len(), announced.needs_sweep()), (3, false));
    }
}
