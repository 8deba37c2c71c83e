//! The termination message: why the server could not start, in the file that the kubelet reads.

use std::{io, path::Path};

use understudy_contract::Failure;

/// The longest message in bytes. The kubelet keeps 4096 bytes of the file; JSON that is cut there could not be parsed.
const MAX_MESSAGE: usize = 2048;

/// Writes `failure` to the file `termination_log`, as one line of JSON. A message above 2048 bytes is cut.
pub fn write(failure: &Failure, termination_log: &Path) -> io::Result<()> {
    let mut short = failure.clone();
    short.message.truncate(short.message.floor_char_boundary(MAX_MESSAGE));
    let line = serde_json::to_string(&short).expect("two strings are always JSON");
    std::fs::write(termination_log, line + "\n")
}

#[cfg(test)]
mod tests {
    use understudy_contract::Reason;

    use super::*;

    #[test]
    fn a_long_message_is_cut_and_stays_valid_json() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("termination-log");
        write(&Failure::new(Reason::InvalidModel, "é".repeat(4096)), &file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.len() < 4096, "{} bytes", text.len());
        let read: Failure = serde_json::from_str(&text).unwrap();
        assert_eq!(read, Failure::new(Reason::InvalidModel, "é".repeat(1024)));
    }
}
