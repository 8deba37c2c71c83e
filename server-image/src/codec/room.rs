//! The memory for a response. A model decides how large its outputs are, and a few of them take the values of a request as their
//! shape. A vector that cannot grow ends the process and all its calls, so the memory is reserved first.

use crate::error::Refusal;

/// Largest response in bytes, by its estimate: 85 million numbers as JSON.
const LARGEST: usize = 1 << 30;

/// An empty vector with room for `bytes`. Fails if that is too large, or more than there is.
pub(super) fn reserve(bytes: usize) -> Result<Vec<u8>, Refusal> {
    let mut room = Vec::new();
    if bytes > LARGEST || room.try_reserve_exact(bytes).is_err() {
        return Err(Refusal::Backend(format!(
            "its outputs need a response of about {bytes} bytes, which is too large; request fewer outputs or rows"
        )));
    }
    Ok(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_that_no_memory_holds_is_an_error_of_one_call() {
        assert!(reserve(1000).is_ok_and(|room| room.capacity() >= 1000));
        assert_eq!(reserve(LARGEST + 1).unwrap_err().status(), 500);
    }
}
