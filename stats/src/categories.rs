//! Finds the category of a value without allocating: by text, or by number if the text of a category is a number.

/// The categories of a column. The index of a category is its index in the list of names.
#[derive(Debug, Clone)]
pub(crate) struct Categories {
    names: Vec<Box<str>>,
    /// Categories that are whole numbers or booleans, by value.
    integers: Vec<(i64, usize)>,
    /// Categories that are numbers, by value.
    numbers: Vec<(f64, usize)>,
}

impl Categories {
    /// The categories with these names, which must be sorted and unique.
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<Box<str>> = names.map(Box::from).collect();
        let mut integers = Vec::new();
        let mut numbers = Vec::new();
        for (index, name) in names.iter().enumerate() {
            // Not `007`: a number in a tensor has no leading zeros, so this category is a code.
            if let Some(value) = name.parse::<i64>().ok().filter(|value| value.to_string() == **name) {
                integers.push((value, index));
            }
            if let Some(value) = name.parse::<f64>().ok().filter(|value| value.is_finite()) {
                numbers.push((value, index));
            }
        }
        // A tensor may have 1 and 0 for the `true` and `false` of the training data.
        for (digit, text) in [(1_i32, "true"), (0, "false")] {
            let has_digit = integers.iter().any(|(value, _)| *value == i64::from(digit));
            if let Some(index) =
                names.iter().position(|name| name.eq_ignore_ascii_case(text)).filter(|_| !has_digit)
            {
                integers.push((i64::from(digit), index));
                numbers.push((f64::from(digit), index));
            }
        }
        integers.sort_unstable();
        numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { names, integers, numbers }
    }

    /// The number of categories.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The index of the category with this name.
    pub(crate) fn text(&self, text: &str) -> Option<usize> {
        self.names.binary_search_by(|name| name.as_ref().cmp(text)).ok()
    }

    /// The index of the category whose name is this whole number.
    pub(crate) fn integer(&self, value: i64) -> Option<usize> {
        let found = self.integers.binary_search_by_key(&value, |(number, _)| *number).ok()?;
        Some(self.integers[found].1)
    }

    /// The index of the category whose name is this number. A float32 in a tensor may have had more digits in the
    /// training data, so a category that rounds to the same float32 matches as well.
    pub(crate) fn number(&self, value: f64) -> Option<usize> {
        // The first category that is not smaller. It is the value itself if that is a category.
        let after = self.numbers.partition_point(|(number, _)| *number < value);
        let near = |index: usize| self.numbers.get(index).filter(|(number, _)| same_float32(*number, value));
        let found = near(after).or_else(|| near(after.checked_sub(1)?))?;
        Some(found.1)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::float_cmp, reason = "rounding to float32 is the point")]
fn same_float32(a: f64, b: f64) -> bool {
    a as f32 == b as f32
}

#[cfg(test)]
mod tests {
    use super::Categories;

    fn categories(names: &[&str]) -> Categories {
        Categories::new(names.iter().copied())
    }

    #[test]
    fn a_number_matches_the_category_with_that_text() {
        let known = categories(&["-1", "0.1", "10", "2", "NL"]);
        assert_eq!(known.integer(10), Some(2));
        assert_eq!(known.integer(-1), Some(0));
        assert_eq!(known.integer(1), None);
        assert_eq!(known.number(2.0), Some(3));
        assert_eq!(known.number(2.1), None);
        assert_eq!(known.text("NL"), Some(4));
        assert_eq!(known.text("N"), None);
    }

    #[test]
    fn a_float32_matches_a_category_with_more_digits() {
        let known = categories(&["0.1", "0.7"]);
        assert_eq!(known.number(f64::from(0.1_f32)), Some(0));
        assert_eq!(known.number(f64::from(0.7_f32)), Some(1));
        assert_eq!(known.number(0.7), Some(1));
    }

    #[test]
    fn large_whole_numbers_that_differ_in_the_last_digit_are_different_categories() {
        let known = categories(&["9007199254740992", "9007199254740993"]);
        assert_eq!(known.integer(9_007_199_254_740_993), Some(1));
        assert_eq!(known.integer(9_007_199_254_740_994), None);
    }

    #[test]
    fn zero_and_one_match_false_and_true_unless_a_category_has_the_digit() {
        let words = categories(&["false", "true"]);
        assert_eq!((words.integer(0), words.integer(1)), (Some(0), Some(1)));
        assert_eq!((words.number(0.0), words.number(1.0)), (Some(0), Some(1)));
        let digits = categories(&["0", "1", "true"]);
        assert_eq!((digits.integer(0), digits.integer(1)), (Some(0), Some(1)));
    }

    #[test]
    fn a_code_with_leading_zeros_does_not_match_a_whole_number() {
        assert_eq!(categories(&["007"]).integer(7), None);
    }
}
