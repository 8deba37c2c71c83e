//! Random pauses between attempts.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// A random duration between half of `pause` and `pause`, so that the pods of a Deployment do not all call at the same
/// time.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(());
    let part =
        f64::from(u32::try_from(random >> 32).expect("the upper half has 32 bits")) / f64::from(u32::MAX);
    pause.mul_f64(0.5 + part / 2.0)
}
