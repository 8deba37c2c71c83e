//! Whether this version is main, as [`crate::routing`] says.

/// Main, not yet main, or no longer main.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MainRole {
    /// Has never been main. Its main port keeps its callers: the Service may switch before the routing file arrives.
    NotYet,
    /// Is main.
    Main,
    /// Was main. Its callers must connect again, to reach the new main.
    NoLonger,
}

impl MainRole {
    /// The role after the routing file says whether this version is `main`.
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
    fn only_a_version_that_was_main_sends_its_callers_away() {
        assert_eq!(MainRole::NotYet.next(false), MainRole::NotYet);
        assert_eq!(MainRole::NotYet.next(true), MainRole::Main);
        assert_eq!(MainRole::Main.next(false), MainRole::NoLonger);
        assert_eq!(MainRole::NoLonger.next(false), MainRole::NoLonger);
        assert_eq!(MainRole::NoLonger.next(true), MainRole::Main);
    }
}
