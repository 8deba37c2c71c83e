//! Finds names and texts of people in the notes of the operator's events, also in those about objects that do not exist any
//! more. Pure.
//!
//! A comment may contain every mark that the operator writes around comments. When that is doubtful, too much counts as text of
//! a person, and not too little.

use understudy_crds::Decision;

const DECISIONS: [Decision; 8] = [
    Decision::Approved,
    Decision::Rejected,
    Decision::Withdrawn,
    Decision::Expired,
    Decision::TimedOut,
    Decision::Superseded,
    Decision::RolledBack,
    Decision::Retired,
];
/// What follows the name of a person: a comment, a text, one more person, or a sentence of the operator.
const MARKS: [&str; 4] = [" (", ": ", ", ", "; BREAKING: "];

/// What a note says about people.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found<'a> {
    /// Names.
    pub names: Vec<&'a str>,
    /// Texts of people.
    pub texts: Vec<&'a str>,
}

/// Reads the note of an event about a request, an approval or a decision.
pub fn read(note: &str) -> Found<'_> {
    let mut found = Found::default();
    match (note.find(" requests "), note.find(" requested by ")) {
        (Some(at), decided) if decided.is_none_or(|decided| at < decided) => {
            found.names.push(&note[..at]);
            found.request(&note[at..]);
        }
        (_, Some(_)) => found.decision(note.split_once(" requested by ").map_or("", |(_, rest)| rest)),
        _ => {}
    }
    found
}

impl<'a> Found<'a> {
    /// `None -> Staging: the comment; BREAKING: ...; a colleague approves with: kubectl ...`
    fn request(&mut self, rest: &'a str) {
        let command = rest.rfind(" with: kubectl ").and_then(|at| rest[..at].rfind("; "));
        let body = &rest[..command.unwrap_or(rest.len())];
        match body.split_once(": ") {
            Some((step, comment)) if !step.ends_with("; BREAKING") => self.texts.push(comment),
            _ => {}
        }
    }

    /// `alice (her comment), approved by bob (his comment), carol`, `alice, rejected by bob: the reason` or
    /// `alice: 1 of 2 people have approved, the newest is bob (his comment)`
    fn decision(&mut self, rest: &'a str) {
        if let Some((requester, newest)) = rest.split_once(" people have approved, the newest is ") {
            self.people(requester.split_once(": ").map_or(requester, |(name, _)| name));
            return self.people(newest);
        }
        let marks = DECISIONS.map(|decision| format!(", {} by ", decision.in_words()));
        let commented = rest.find(" (").is_some_and(|at| marks.iter().all(|m| !rest[..at].contains(m)));
        let found = marks.iter().filter_map(|mark| {
            let at = if commented { rest.rfind(mark) } else { rest.find(mark) };
            Some((at?, mark.len()))
        });
        let place = if commented { found.max() } else { found.min() };
        let Some((at, length)) = place else { return self.people(rest) };
        self.people(&rest[..at]);
        self.people(&rest[at + length..]);
    }

    /// People, each with or without a comment.
    fn people(&mut self, mut rest: &'a str) {
        loop {
            let next = MARKS.iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min();
            let Some((at, mark)) = next else { return self.names.push(rest) };
            self.names.push(&rest[..at]);
            let after = &rest[at + mark.len()..];
            rest = match mark {
                " (" => {
                    let end = after.rfind(')').unwrap_or(after.len());
                    self.texts.push(&after[..end]);
                    match after[end..].strip_prefix("), ") {
                        Some(more) => more,
                        None => return,
                    }
                }
                ": " => return self.texts.push(after),
                ", " => after,
                _ => return,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("None -> Staging requested by alice, approved by bob", &["alice", "bob"], &[])]
    #[case("None -> Staging requested by alice, rejected by bob: Oscar, of all people", &["alice", "bob"], &["Oscar, of all people"])]
    #[case("None -> Staging requested by alice (for Oscar), approved by bob, carol; BREAKING: no input x (FP32 [1])", &["alice", "bob", "carol"], &["for Oscar"])]
    #[case("None -> Staging requested by alice (as said, approved by Oscar), approved by bob (fine)", &["alice", "bob"], &["as said, approved by Oscar", "fine"])]
    #[case("None -> Staging requested by alice, approved by bob (fine), carol (ask Oscar)", &["alice", "bob"], &["fine), carol (ask Oscar"])]
    #[case("None -> Staging requested by alice, approved by bob (ask Oscar), carol", &["alice", "bob", "carol"], &["ask Oscar"])]
    #[case("None -> Staging requested by alice: 1 of 2 people have approved, the newest is bob (ask Oscar)", &["alice", "bob"], &["ask Oscar"])]
    #[case("alice requests None -> Staging; a colleague approves with: kubectl annotate mv f", &["alice"], &[])]
    #[case("alice requests None -> Staging: for Oscar; soon; 2 colleagues approve with: kubectl annotate mv f", &["alice"], &["for Oscar; soon"])]
    #[case("alice requests Staging -> Production; BREAKING: no input x: FP32; a colleague approves with: kubectl annotate mv f", &["alice"], &[])]
    #[case("2 of 2 pods answer", &[], &[])]
    fn names_and_texts_in_a_note_are_found(
        #[case] note: &str,
        #[case] names: &[&str],
        #[case] texts: &[&str],
    ) {
        assert_eq!(read(note), Found { names: names.to_vec(), texts: texts.to_vec() });
    }
}
