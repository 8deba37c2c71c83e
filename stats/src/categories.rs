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
        let places = || names.iter().enumerate();
        let mut integers: Vec<(i64, usize)> =
            places().filter_map(|(place, name)| Some((name.parse().ok()?, place))).collect();
        // A tensor may hold as 0 and 1 what was true and false in the training data.
        for (place, name) in places() {
            let truth = match name.as_ref() {
                "true" | "True" => 1,
                "false" | "False" => 0,
                _ => continue,
            };
            if integers.iter().all(|(value, _)| *value != truth) {
                integers.push((truth, place));
            }
        }
        let mut numbers: Vec<(f64, usize)> = places()
            .filter_map(|(place, name)| {
                Some((name.parse::<f64>().ok().filter(|value| value.is_finite())?, place))
            })
            .collect();
        for (value, place) in &integers {
            if numbers.iter().all(|(_, known)| known != place) {
                numbers.push((if *value == 0 { 0.0 } else { 1.0 }, *place));
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
