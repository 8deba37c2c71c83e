//! The rows of a call that comparison and drift count: all of them, or an even sample of a huge call.

use crate::{call::Call, tensor::Tensor};

/// Most rows of one call that are counted. The queue bounds the bytes of a call and so the work for a row. Beyond this
/// number more rows hardly make an estimate better: the interval of a share is at most 2 percentage points wide.
const MAX_ROWS: usize = 10_000;
/// The fractional part of the golden ratio. Its multiples fill the numbers from 0 to 1 evenly.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// The rows of a call that are counted.
#[derive(Debug, Clone, Copy)]
pub struct CountedRows {
    all: usize,
    counted: usize,
}

impl CountedRows {
    /// The rows of `call` that are counted.
    #[must_use]
    pub fn of(call: &Call) -> Self {
        let all = usize::try_from(call.rows).unwrap_or(usize::MAX);
        Self { all, counted: all.min(MAX_ROWS) }
    }

    /// How many rows are counted.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.counted as u64
    }

    /// How many rows are not counted.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        (self.all - self.counted) as u64
    }

    /// Whether some rows of `tensor` are left out. A tensor without the rows of the call is counted as a whole.
    #[must_use]
    pub fn are_sampled_in(&self, tensor: &Tensor) -> bool {
        self.counted < self.all
            && tensor.shape.first().and_then(|rows| usize::try_from(*rows).ok()) == Some(self.all)
    }

    /// How many elements of `tensor` are one row. A tensor without the rows of the call is one row.
    #[must_use]
    pub fn width(&self, tensor: &Tensor) -> usize {
        let elements = tensor.data.len();
        let rows = tensor.shape.first().and_then(|rows| usize::try_from(*rows).ok());
        let width = if rows == Some(self.all) { elements / self.all.max(1) } else { elements };
        width.max(1)
    }

    /// The counted rows as slices of `elements`, the elements of a tensor. One slice of all elements unless `sampled`.
    pub fn slices<T>(self, elements: &[T], sampled: bool) -> impl Iterator<Item = &[T]> {
        let (slices, width) =
            if sampled { (self.counted, elements.len() / self.all) } else { (1, elements.len()) };
        (0..slices).map(move |slice| {
            let from = if sampled { self.row(slice) * width } else { 0 };
            &elements[from..from + width]
        })
    }

    /// The counted row with this number: one of each of `counted` parts of the call. Its place in the part varies, since
    /// every tenth row could be of the same kind.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part has fewer rows than 2^52"
    )]
    fn row(&self, number: usize) -> usize {
        let (from, to) = (self.part(number), self.part(number + 1));
        let place = (number as f64 * GOLDEN).fract();
        from + (place * (to - from) as f64) as usize
    }

    /// The first row of a part. Parts differ by at most one row in length. Does not overflow.
    fn part(&self, number: usize) -> usize {
        number * (self.all / self.counted) + number * (self.all % self.counted) / self.counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(all: usize) -> CountedRows {
        CountedRows { all, counted: all.min(MAX_ROWS) }
    }

    #[test]
    fn all_rows_of_a_call_are_one_slice_and_a_huge_call_has_a_slice_for_each_counted_row() {
        let elements: Vec<u32> = (0..30_000).collect();
        let whole: Vec<_> = of(10_000).slices(&elements, false).collect();
        assert_eq!(whole, [&elements[..]]);
        let huge = of(15_000);
        assert_eq!((huge.counted(), huge.left_out()), (10_000, 5_000));
        let slices: Vec<_> = huge.slices(&elements, true).collect();
        assert_eq!(slices.len(), 10_000);
        assert!(slices.iter().all(|row| row.len() == 2 && row[0] % 2 == 0 && row[1] == row[0] + 1));
        assert!(slices.is_sorted_by(|one, next| one[0] < next[0]), "no row is counted twice");
    }

    /// Protects a caller whose rows alternate: the sample must not have one kind only.
    #[test]
    fn the_sample_of_a_huge_call_has_rows_of_every_kind_and_from_every_part() {
        for all in [10_001, 20_000, 100_000, 123_457, 1 << 20] {
            let rows: Vec<_> = (0..MAX_ROWS).map(|number| of(all).row(number)).collect();
            assert!(rows[MAX_ROWS - 1] < all);
            for tenth in 0..10 {
                let inside = rows.iter().filter(|row| **row * 10 / all == tenth).count();
                assert!((990..=1010).contains(&inside), "{all}: {inside} rows of part {tenth}");
            }
            for period in [2, 3, 5, 8, 10] {
                for kind in 0..period {
                    let share = rows.iter().filter(|row| **row % period == kind).count() * period;
                    assert!(
                        (9_000..=11_000).contains(&share),
                        "{all}: {share} of 10,000 for {kind} of {period}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_tensor_without_the_rows_of_the_call_is_counted_as_a_whole() {
        let tensor =
            |shape: &[i64]| Tensor { shape: shape.to_vec(), data: crate::tensor::Data::Bool(vec![]) };
        assert!(of(20_000).are_sampled_in(&tensor(&[20_000, 3])));
        for shape in [&[1, 20_000][..], &[], &[100]] {
            assert!(!of(20_000).are_sampled_in(&tensor(shape)), "{shape:?}");
        }
        assert!(!of(10_000).are_sampled_in(&tensor(&[10_000])), "the call is not huge");
    }
}
