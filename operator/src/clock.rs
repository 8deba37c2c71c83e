//! The current time with the precision of the API.

use jiff::Timestamp;

/// Now, in whole seconds.
pub fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second())
        .expect("the present is within the range of timestamps")
}
