//! Random pauses between tries.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Between a half and the whole of `pause`, so that the pods of one Deployment do not knock all at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(());
    let part =
        f64::from(u32::try_from(random >> 32).expect("the upper half has 32 bits")) / f64::from(u32::MAX);
    pause.mul_f64(0.5 + part / 2.0)
}
