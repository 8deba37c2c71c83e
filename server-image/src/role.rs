//! Whether this version is the one behind the stable endpoint, as [`crate::routing`] says.

/// Main, not yet, or no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MainRole {
    /// Has never been main. Its main port is like any other: the Service may switch before the file arrives.
    NotYet,
    /// Is main.
    Main,
    /// Was main. Its callers must go to its successor.
    NoLonger,
}

impl MainRole {
    /// What it becomes once it is known whether this version is main.
    #[must_use]
    pub fn next(self, main: bool) -> Self {
        match (self, main) {
            (_, true) => Self::Main,
            (Self::NotYet, false) => Self::NotYet,
            (Self::Main | Self::NoLonger, false) => Self::NoLonger,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_main_sends_its_callers_away() {
        assert_eq!(MainRole::NotYet.next(false), MainRole::NotYet);
        assert_eq!(MainRole::NotYet.next(true), MainRole::Main);
        assert_eq!(MainRole::Main.next(false), MainRole::NoLonger);
        assert_eq!(MainRole::NoLonger.next(false), MainRole::NoLonger);
        assert_eq!(MainRole::NoLonger.next(true), MainRole::Main);
    }
}
