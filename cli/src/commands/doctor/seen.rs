//! What was read, or why it could not be; and numbers of objects with the names of the first few.

/// Something that was read, or why it could not be.
pub type Seen<T> = Result<T, Blind>;

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blind {
    /// A right is missing, for example `list nodes`.
    Denied(String),
    /// Anything else, for example a timeout.
    Failed(String),
    /// It was not tried, because something that it needs is missing. The reason.
    NotTried(String),
}

/// A number of objects, with the names of the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: usize,
    /// The first of them.
    pub examples: Vec<String>,
}

/// Names in one message.
const EXAMPLES: usize = 5;

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }

    /// `a, b and 3 more`.
    #[must_use]
    pub fn names(&self) -> String {
        let more = self.count - self.examples.len();
        let names = self.examples.join(", ");
        if more == 0 { names } else { format!("{names} and {more} more") }
    }

    /// Whether nothing was counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}
