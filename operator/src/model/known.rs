//! Holes of the operator that are known. Until they are mended, traces avoid them, so that others are found.
//! `MODEL_KNOWN=none` looks for them all the same.

use std::{env, sync::LazyLock};

/// A hole of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hole {
    /// What was approved under a deployment can be rolled back to under another one of the same name.
    OtherDeployment,
}

/// Those that are not mended.
const KNOWN: &[Hole] = &[Hole::OtherDeployment];

static AVOIDED: LazyLock<bool> = LazyLock::new(|| env::var("MODEL_KNOWN").as_deref() != Ok("none"));

/// Whether traces avoid this hole.
pub fn is_avoided(hole: Hole) -> bool {
    *AVOIDED && KNOWN.contains(&hole)
}
