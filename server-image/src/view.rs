//! The elements of a tensor, wherever they are.

use half::{bf16, f16};

/// The elements of a tensor, borrowed, in row-major order.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "each variant is a datatype of the protocol")]
pub enum View<'a> {
    Bool(&'a [bool]),
    Uint8(&'a [u8]),
    Uint16(&'a [u16]),
    Uint32(&'a [u32]),
    Uint64(&'a [u64]),
    Int8(&'a [i8]),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    Fp16(&'a [f16]),
    Bf16(&'a [bf16]),
    Fp32(&'a [f32]),
    Fp64(&'a [f64]),
    Bytes(&'a [String]),
}

/// Runs `$body` with `$elements` bound to the slice in `$view`: `$text` for strings, `$number` for all others.
macro_rules! each_view {
    ($view:expr, $elements:ident => $number:expr, $texts:ident => $text:expr) => {
        match $view {
            $crate::view::View::Bool($elements) => $number,
            $crate::view::View::Uint8($elements) => $number,
            $crate::view::View::Uint16($elements) => $number,
            $crate::view::View::Uint32($elements) => $number,
            $crate::view::View::Uint64($elements) => $number,
            $crate::view::View::Int8($elements) => $number,
            $crate::view::View::Int16($elements) => $number,
            $crate::view::View::Int32($elements) => $number,
            $crate::view::View::Int64($elements) => $number,
            $crate::view::View::Fp16($elements) => $number,
            $crate::view::View::Bf16($elements) => $number,
            $crate::view::View::Fp32($elements) => $number,
            $crate::view::View::Fp64($elements) => $number,
            $crate::view::View::Bytes($texts) => $text,
        }
    };
}

pub(crate) use each_view;
