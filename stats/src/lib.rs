//! What pods have seen of their calls, as numbers that can be added up over pods: how main and challenger compare, and
//! how far the calls have drifted from the training data. Pure: no clock, no network.
