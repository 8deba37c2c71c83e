//! A challenger beside main, on the real cluster: which versions may be challenger, what is recorded of both responses, how
//! they compare, and that callers of main notice nothing.

mod answers;
mod causes;
mod change;
mod drift;
mod mirroring;
mod outcomes;
mod records;
mod refused;
mod trouble;
