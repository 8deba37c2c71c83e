//! Counts the memory that is allocated while a target runs.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Runs `read` on `input`. Panics if it holds more than `factor` bytes for each byte of the input, plus `fixed` bytes, at
/// any time.
pub fn bounded<T>(input: &[u8], factor: usize, fixed: usize, read: impl FnOnce(&[u8]) -> T) -> T {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = read(input);
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    let most = fixed + factor * input.len();
    assert!(peak <= most, "{} bytes of input took {peak} bytes of memory, more than {most}", input.len());
    result
}
