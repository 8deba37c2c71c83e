//! Which category a value is, without allocating: by text, or by number where a category's text is one.

/// The names of a column's categories. The place of a category is its place in the list they were made from.
#[derive(Debug, Clone)]
pub(crate) struct Categories {
    names: Vec<Box<str>>,
    /// Categories that are whole numbers or booleans, by value.
    integers: Vec<(i64, usize)>,
    /// Categories that are numbers, by value.
    numbers: Vec<(f64, usize)>,
}

impl Categories {
    /// Of names in order, each once.
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<Box<str>> = names.map(Box::from).collect();
        let mut integers = Vec::new();
        let mut numbers = Vec::new();
        for (place, name) in names.iter().enumerate() {
            // Not `007`: a number of a tensor is no code with leading zeros.
            if let Some(value) = name.parse::<i64>().ok().filter(|value| value.to_string() == **name) {
                integers.push((value, place));
            }
            if let Some(value) = name.parse::<f64>().ok().filter(|value| value.is_finite()) {
                numbers.push((value, place));
            }
        }
        // A tensor may hold as 1 and 0 what was true and false in the training data.
        for (truth, text) in [(1_i32, "true"), (0, "false")] {
            let has_digit = integers.iter().any(|(value, _)| *value == i64::from(truth));
            if let Some(place) =
                names.iter().position(|name| name.eq_ignore_ascii_case(text)).filter(|_| !has_digit)
            {
                integers.push((i64::from(truth), place));
                numbers.push((f64::from(truth), place));
            }
        }
        integers.sort_unstable();
        numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { names, integers, numbers }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The category of that name.
    pub(crate) fn text(&self, text: &str) -> Option<usize> {
        self.names.binary_search_by(|name| name.as_ref().cmp(text)).ok()
    }

    /// The category that is this whole number.
    pub(crate) fn integer(&self, value: i64) -> Option<usize> {
        let found = self.integers.binary_search_by_key(&value, |(number, _)| *number).ok()?;
        Some(self.integers[found].1)
    }

    /// The category that is this number. A tensor may hold as a float32 what had more digits in the training data, so
    /// a category that rounds to the same float32 is taken where none is the same.
    pub(crate) fn number(&self, value: f64) -> Option<usize> {
        // The first that is not below, which is the value itself if it is there.
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
    fn a_number_finds_the_category_that_was_written_as_text() {
        let places = categories(&["-1", "0.1", "10", "2", "NL"]);
        assert_eq!(places.integer(10), Some(2));
        assert_eq!(places.integer(-1), Some(0));
        assert_eq!(places.integer(1), None);
        assert_eq!(places.number(2.0), Some(3));
        assert_eq!(places.number(2.1), None);
        assert_eq!(places.text("NL"), Some(4));
        assert_eq!(places.text("N"), None);
    }

    #[test]
    fn a_float32_finds_the_category_that_had_more_digits() {
        let places = categories(&["0.1", "0.7"]);
        assert_eq!(places.number(f64::from(0.1_f32)), Some(0));
        assert_eq!(places.number(f64::from(0.7_f32)), Some(1));
        assert_eq!(places.number(0.7), Some(1));
    }

    #[test]
    fn large_whole_numbers_are_told_apart_to_the_last_digit() {
        let places = categories(&["9007199254740992", "9007199254740993"]);
        assert_eq!(places.integer(9_007_199_254_740_993), Some(1));
        assert_eq!(places.integer(9_007_199_254_740_994), None);
    }

    #[test]
    fn truth_is_found_whether_it_was_written_as_a_word_or_a_number() {
        let words = categories(&["false", "true"]);
        assert_eq!((words.integer(0), words.integer(1)), (Some(0), Some(1)));
        assert_eq!((words.number(0.0), words.number(1.0)), (Some(0), Some(1)));
        let digits = categories(&["0", "1", "true"]);
        assert_eq!((digits.integer(0), digits.integer(1)), (Some(0), Some(1)));
    }

    #[test]
    fn a_code_with_leading_zeros_is_no_whole_number() {
        assert_eq!(categories(&["007"]).integer(7), None);
    }
}
