//! The current time with the precision of the API.

use jiff::Timestamp;

/// Now, in whole seconds.
pub fn now() -> Timestamp {
    #[cfg(test)]
    if let Some(now) = SET.get() {
        return now;
    }
    Timestamp::from_second(Timestamp::now().as_second())
        .expect("the present is within the range of timestamps")
}

#[cfg(test)]
thread_local! {
    static SET: std::cell::Cell<Option<Timestamp>> = const { std::cell::Cell::new(None) };
}

/// Sets the time of this thread until the next call. `None`: the real time.
#[cfg(test)]
pub fn set(now: Option<Timestamp>) {
    SET.set(now);
}
