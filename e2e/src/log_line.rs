//! What a line of a program's log says of the program.

/// What the program did according to this line of its log, if no program should do that: it panicked, it had no memory left,
/// or it logged an error that is not expected.
pub(crate) fn fault(line: &str, is_expected: impl FnOnce() -> bool) -> Option<&'static str> {
    if line.contains("panicked at") {
        Some("panicked")
    } else if line.starts_with("memory allocation of ") {
        Some("ended without memory")
    } else if line.contains(r#""level":"ERROR""#) && !is_expected() {
        Some("logged an unexpected error")
    } else {
        None
    }
}
