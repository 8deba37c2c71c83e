//! Stand-ins for what is different on each run, so that two recordings of one release are alike: times, uids, ids, the name
//! of the namespace. Pure.

use anyhow::{Context, Result};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Stands for the name of the namespace.
pub const NAMESPACE: &str = "<namespace>";
/// Stands for the identity of the approval policy that is installed.
pub const FINGERPRINT: &str = "<fingerprint>";
/// Stands for every time before the recording.
const PAST: &str = "<past>";
/// A time after the recording stands as so many minutes later, rounded up to a multiple of ten.
const LATER: (&str, &str) = ("<in ", " min>");
/// How long ago the past is when a recording is restored, in seconds.
const AGO: i64 = 60;

/// Stands for the uid of an object.
pub fn uid(kind: &str, name: &str) -> String {
    format!("<uid of {kind} {name}>")
}

/// Stands for the id of the transition with this number.
pub fn transition(number: usize) -> String {
    format!("{number:012}")
}

/// Calls `change` for each text in a value.
fn texts(value: &mut Value, change: &mut impl FnMut(&mut String) -> Result<()>) -> Result<()> {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().try_for_each(|item| texts(item, change)),
        Value::Object(fields) => fields.values_mut().try_for_each(|field| texts(field, change)),
        _ => Ok(()),
    }
}

/// Replaces one text by another, also inside of texts.
pub fn replace(value: &mut Value, from: &str, to: &str) {
    texts(value, &mut |text| {
        *text = text.replace(from, to);
        Ok(())
    })
    .expect("a replacement does not fail");
}

/// Replaces times by stand-ins, at this time.
pub fn without_times(value: &mut Value, now: Timestamp) -> Result<()> {
    texts(value, &mut |text| {
        if let Some(time) = time(text) {
            let seconds = time.duration_since(now).as_secs();
            *text = if seconds <= 0 {
                PAST.to_owned()
            } else {
                format!("{}{}{}", LATER.0, (seconds + 599) / 600 * 10, LATER.1)
            };
        }
        Ok(())
    })
}

/// Replaces stand-ins by times, at this time.
pub fn with_times(value: &mut Value, now: Timestamp) -> Result<()> {
    texts(value, &mut |text| {
        let minutes = text.strip_prefix(LATER.0).and_then(|rest| rest.strip_suffix(LATER.1));
        let time = match minutes {
            Some(minutes) => now + SignedDuration::from_mins(minutes.parse().context("minutes")?),
            None if text == PAST => now - SignedDuration::from_secs(AGO),
            None => return Ok(()),
        };
        *text = Timestamp::from_second(time.as_second())?.to_string();
        Ok(())
    })
}

/// The time that a text is.
fn time(text: &str) -> Option<Timestamp> {
    (text.len() >= 20 && text.ends_with('Z')).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_of_a_recording_are_as_far_from_now_when_it_is_restored() {
        let recorded: Timestamp = "2026-11-21T09:00:00Z".parse().unwrap();
        let mut value =
            json!({"from": "2026-11-21T08:59:59Z", "to": ["2026-11-21T09:59:30Z"], "version": "1.0.0"});
        without_times(&mut value, recorded).unwrap();
        assert_eq!(value, json!({"from": "<past>", "to": ["<in 60 min>"], "version": "1.0.0"}));
        with_times(&mut value, "2027-01-01T00:00:00Z".parse().unwrap()).unwrap();
        let restored =
            json!({"from": "2026-12-31T23:59:00Z", "to": ["2027-01-01T01:00:00Z"], "version": "1.0.0"});
        assert_eq!(value, restored);
    }
}
