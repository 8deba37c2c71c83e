//! Ids of calls.

use uuid::Uuid;

/// Longest id in bytes. A longer one is cut, because the id is part of each record.
const MAX_BYTES: usize = 256;

/// The caller's own id, or a generated one if `given` is absent or empty.
///
/// Nobody can guess a generated id: who knows the id of a call may send its outcome.
#[must_use]
pub fn of_call(given: Option<String>) -> String {
    match given {
        Some(mut given) if !given.is_empty() => {
            given.truncate(given.floor_char_boundary(MAX_BYTES));
            given
        }
        _ => Uuid::new_v4().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_id_is_kept() {
        assert_eq!(of_call(Some("order-7".to_owned())), "order-7");
        assert_eq!(of_call(Some("é".repeat(1_000))).len(), MAX_BYTES);
    }

    #[test]
    fn a_generated_id_says_nothing_about_the_next_one() {
        let ids = [of_call(None), of_call(Some(String::new())), of_call(None)];
        let random = ids.each_ref().map(|id| Uuid::parse_str(id).unwrap());
        assert!(random.iter().all(|id| id.get_version_num() == 4), "{ids:?}");
        // 122 of 128 bits are random, so about half of them differ.
        for pair in random.windows(2) {
            let different = (pair[0].as_u128() ^ pair[1].as_u128()).count_ones();
            assert!((20..=102).contains(&different), "{ids:?}");
        }
    }
}
