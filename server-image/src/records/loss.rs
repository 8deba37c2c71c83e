//! Why a row is lost.

use crate::named_enum::named_enum;

named_enum! {
    /// Why a row that was due is not in the sink. The names are the values of the label `reason`.
    pub enum Loss {
        /// The queue of the analyzer was full.
        QueueFull = "queue_full",
        /// The sink is down or slow, and the spool has its largest size.
        SpoolFull = "spool_full",
        /// The spool's disk is full or broken.
        Disk = "disk",
        /// The call does not fit the signature of the model, or could not be written as Parquet.
        Encode = "encode",
        /// A former process ended before a file was complete.
        Crash = "crash",
        /// The process had to end before the sink had received the row.
        Stopping = "stopping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::named_enum::documented_names;

    #[test]
    fn the_operations_manual_explains_every_loss() {
        let reasons = documented_names("Reasons of `understudy_records_dropped_total`:");
        assert_eq!(reasons, Loss::ALL.map(Loss::as_str));
    }
}
