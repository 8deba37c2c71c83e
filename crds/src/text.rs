//! Texts that fit into a field with a maximum length. A CRD counts characters, not bytes.

/// Stands for what was cut.
const ELLIPSIS: char = '…';

/// The first `max` characters of `text`. If it is longer, the last of them is `…`.
#[must_use]
pub fn clamp(text: &str, max: usize) -> String {
    let mut text = text.to_owned();
    shorten(&mut text, max);
    text
}

/// Cuts `text` to at most `max` characters. If it was longer, the last of them is `…`.
pub fn shorten(text: &mut String, max: usize) {
    // A text has at least as many bytes as characters.
    if text.len() <= max || text.chars().nth(max).is_none() {
        return;
    }
    let end = text.char_indices().nth(max.saturating_sub(1)).map_or(0, |(index, _)| index);
    text.truncate(end);
    if max > 0 {
        text.push(ELLIPSIS);
    }
}

/// Cuts an optional text, see [`shorten`].
pub fn shorten_some(text: &mut Option<String>, max: usize) {
    if let Some(text) = text {
        shorten(text, max);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::shorter("recall", 7, "recall")]
    #[case::exactly_as_long("éééé", 4, "éééé")]
    #[case::longer("recall fell", 7, "recall…")]
    #[case::cut_between_characters_of_several_bytes("aé😀é", 3, "aé…")]
    #[case::one_character_left("recall", 1, "…")]
    #[case::no_room_at_all("recall", 0, "")]
    fn a_text_that_is_too_long_ends_in_an_ellipsis(
        #[case] text: &str,
        #[case] max: usize,
        #[case] expected: &str,
    ) {
        assert_eq!(clamp(text, max), expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_the_text_is_it_fits_and_is_cut_only_if_it_did_not(text in any::<String>(), max in 0..48_usize) {
            let clamped = clamp(&text, max);
            prop_assert!(clamped.chars().count() <= max);
            if text.chars().count() <= max {
                prop_assert_eq!(&clamped, &text);
            } else {
                prop_assert!(max == 0 || clamped.ends_with(ELLIPSIS));
                prop_assert!(text.starts_with(clamped.trim_end_matches(ELLIPSIS)) || text.contains(ELLIPSIS));
            }
            prop_assert_eq!(clamp(&clamped, max), clamped);
        }
    }
}
