//! What an element of each datatype may be.

use super::{
    form::{Class::Invalid, Form},
    request::{Request, tensor},
    rule::{
        Expected::{self, Words},
        Rule,
    },
    values::{Values, bools, doubles, integers, singles, texts},
};

pub fn rules() -> Vec<Rule> {
    let all = [good(), not_finite(), integers_outside(), other_kinds(), half_precision(), strings()];
    all.into_iter().flatten().collect()
}

/// The model that answers with a vector of this datatype.
fn identity(datatype: &str) -> &'static str {
    match datatype {
        "BOOL" => "identity/BOOL.onnx",
        "UINT8" => "identity/UINT8.onnx",
        "UINT16" => "identity/UINT16.onnx",
        "UINT32" => "identity/UINT32.onnx",
        "UINT64" => "identity/UINT64.onnx",
        "INT8" => "identity/INT8.onnx",
        "INT16" => "identity/INT16.onnx",
        "INT32" => "identity/INT32.onnx",
        "INT64" => "identity/INT64.onnx",
        "FP16" => "identity/FP16.onnx",
        "BF16" => "identity/BF16.onnx",
        "FP32" => "identity/FP32.onnx",
        "FP64" => "identity/FP64.onnx",
        "BYTES" => "identity/BYTES.onnx",
        other => panic!("{other} is no datatype"),
    }
}

fn kept(says: &'static str, datatype: &'static str, count: i64, values: Values) -> Rule {
    Rule::same(says, identity(datatype), tensor("x", &[count], datatype, values))
}

fn refused(
    says: &'static str,
    datatype: &'static str,
    count: i64,
    values: Values,
    expected: Expected,
) -> Rule {
    let request = Request::of(vec![tensor("x", &[count], datatype, values)]);
    Rule::new(says, identity(datatype), request, expected)
}

fn good() -> Vec<Rule> {
    vec![
        kept("a BOOL is true or false", "BOOL", 2, bools(&[true, false])),
        kept("a UINT8 has 8 bits", "UINT8", 3, integers(&[0, 1, u8::MAX.into()])),
        kept("a UINT16 has 16 bits", "UINT16", 3, integers(&[0, 258, u16::MAX.into()])),
        kept("a UINT32 has 32 bits", "UINT32", 3, integers(&[0, 16_909_060, u32::MAX.into()])),
        kept("a UINT64 has 64 bits", "UINT64", 3, integers(&[0, 1 << 53 | 1, u64::MAX.into()])),
        kept("an INT8 has 8 bits", "INT8", 3, integers(&[i8::MIN.into(), -2, i8::MAX.into()])),
        kept("an INT16 has 16 bits", "INT16", 3, integers(&[i16::MIN.into(), 258, i16::MAX.into()])),
        kept("an INT32 has 32 bits", "INT32", 3, integers(&[i32::MIN.into(), -2, i32::MAX.into()])),
        kept("an INT64 has 64 bits", "INT64", 3, integers(&[i64::MIN.into(), 1 << 53 | 1, i64::MAX.into()])),
        kept(
            "an FP32 has any finite value of 32 bits",
            "FP32",
            7,
            singles(&[0.1, -2.5, -0.0, f32::MAX, f32::MIN, f32::MIN_POSITIVE, f32::from_bits(1)]),
        ),
        kept(
            "an FP64 has any finite value of 64 bits",
            "FP64",
            7,
            doubles(&[0.1, -2.5, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::from_bits(1)]),
        ),
        kept(
            "a string is any text, and may be empty",
            "BYTES",
            4,
            texts(&["né", "", "a\"\\\n\t", "日本語🦀"]),
        ),
        kept("a vector may have one element", "INT64", 1, integers(&[7])),
    ]
}

fn not_finite() -> Vec<Rule> {
    const WITHOUT_JSON: &[Form] = &[Form::Binary, Form::Typed, Form::Raw];
    let single = singles(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
    let double = doubles(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    let mut rules = vec![
        kept("NaN and infinity of 32 bits are kept", "FP32", 3, single).over(WITHOUT_JSON),
        kept("NaN and infinity of 64 bits are kept", "FP64", 3, double).over(WITHOUT_JSON),
    ];
    for text in ["[NaN]", "[Infinity]", "[-Infinity]", "[null]", "[\"NaN\"]", "[1e309]"] {
        for datatype in ["FP32", "FP64"] {
            let words = Words(Invalid, &["input `x`", "a number that fits FP"]);
            let says = "JSON has neither NaN nor infinity, and no other word for them";
            rules.push(refused(says, datatype, 1, Values::Json(text), words).over(&Form::OF_JSON));
        }
    }
    let words = Words(Invalid, &["input `x`", "a number that fits FP32"]);
    let says = "a number that is too large for 32 bits does not become infinity";
    rules.push(refused(says, "FP32", 1, Values::Json("[3.5e38]"), words).over(&Form::OF_JSON));
    rules
}

/// There are no bytes for an integer that does not fit.
fn integers_outside() -> Vec<Rule> {
    let outside = |datatype, element: i128, words: &'static [&'static str]| {
        let says = "an integer outside of its datatype is refused, not wrapped";
        refused(says, datatype, 1, integers(&[element]), Words(Invalid, words)).over(&Form::OF_ELEMENTS)
    };
    vec![
        outside("UINT8", 256, &["input `x`: ", "an integer that fits UINT8"]),
        outside("UINT16", 65_536, &["input `x`: ", "an integer that fits UINT16"]),
        outside("INT8", 128, &["input `x`: ", "an integer that fits INT8"]),
        outside("INT8", -129, &["input `x`: ", "an integer that fits INT8"]),
        outside("INT16", 32_768, &["input `x`: ", "an integer that fits INT16"]),
        outside("INT16", -32_769, &["input `x`: ", "an integer that fits INT16"]),
        // A message has these in the field of another datatype.
        outside("UINT8", -1, &["input `x`", "UINT8"]),
        outside("UINT16", -1, &["input `x`", "UINT16"]),
        outside("UINT32", -1, &["input `x`", "UINT32"]),
        outside("UINT32", 1 << 32, &["input `x`", "UINT32"]),
        outside("UINT64", -1, &["input `x`", "UINT64"]),
        outside("INT32", 1 << 31, &["input `x`", "INT32"]),
        outside("INT32", (-1 << 31) - 1, &["input `x`", "INT32"]),
        outside("INT64", 1 << 63, &["input `x`", "INT64"]),
        refused(
            "an integer of more than 64 bits fits no datatype",
            "UINT64",
            1,
            integers(&[1 << 64]),
            Words(Invalid, &["input `x`", "an integer that fits UINT64"]),
        )
        .over(&Form::OF_JSON),
    ]
}

/// Elements that belong to another datatype than the declared one.
fn other_kinds() -> Vec<Rule> {
    let about_x = || Words(Invalid, &["input `x`"]);
    let mut rules = Vec::new();
    // The bytes of numbers of 32 bits could be those of INT32, and JSON has one kind of numbers for FP32 and FP64.
    for datatype in ["UINT8", "INT8", "UINT16", "INT16", "UINT64", "INT64", "BOOL", "BYTES"] {
        rules.push(refused("a float is not of another datatype", datatype, 1, singles(&[1.5]), about_x()));
    }
    for datatype in ["UINT16", "INT32", "UINT64", "INT64", "FP32", "FP64", "BYTES"] {
        let says = "true is not a number and not a string";
        rules.push(refused(says, datatype, 2, bools(&[true, false]), about_x()));
    }
    for datatype in ["UINT8", "INT16", "INT32", "INT64", "BOOL", "FP32", "FP64"] {
        let says = "a string is not a number and not a BOOL";
        rules.push(refused(says, datatype, 1, texts(&["1"]), about_x()));
    }
    rules.push(refused("a BOOL is no number but 0 or 1", "BOOL", 1, integers(&[2]), about_x()));
    rules.push(refused("a number is not a string", "BYTES", 1, integers(&[7]), about_x()));
    for text in ["[1.0]", "[1e2]", "[0.5e1]", "[01]", "[+1]", "[true]", "[\"1\"]", "[null]", "[{}]"] {
        let says = "an integer is written without a fraction, an exponent or another notation";
        rules.push(refused(says, "INT64", 1, Values::Json(text), about_x()).over(&Form::OF_JSON));
    }
    rules
}

fn half_precision() -> Vec<Rule> {
    let mut rules = Vec::new();
    let about: [(_, &[_]); 2] = [("FP16", &["input `x`: ", "FP16"]), ("BF16", &["input `x`: ", "BF16"])];
    for (datatype, words) in about {
        // 0, the smallest and the largest number, minus infinity and NaN.
        let halves = Values::Halves(vec![0, 1, 0x7bff, 0xfc00, 0xff80, 0x7fff]);
        let says = "half precision is carried as bytes, bit by bit";
        rules.push(kept(says, datatype, 6, halves).over(&Form::OF_BYTES));
        let says = "half precision has no form as elements, and wider numbers are not its bytes";
        rules.push(refused(says, datatype, 1, singles(&[1.0]), Words(Invalid, words)));
    }
    rules
}

fn strings() -> Vec<Rule> {
    let wrong = |says, count, blob: &[u8], words: &'static [&'static str]| {
        refused(says, "BYTES", count, Values::Blob(blob.to_vec()), Words(Invalid, words))
            .over(&Form::OF_BYTES)
    };
    let count = (1 << 20) + 1;
    vec![
        refused("a string is UTF-8", "BYTES", 1, texts(&[b"a\xff"]), Words(Invalid, &["UTF-8"])),
        refused(
            "a string has no NUL",
            "BYTES",
            1,
            texts(&["a\0b"]),
            Words(Invalid, &["input `x`", "without NUL"]),
        ),
        refused(
            "a tensor has at most a million strings",
            "BYTES",
            count,
            texts(&vec![""; usize::try_from(count).unwrap()]),
            Words(Invalid, &["more than 1048576 elements of BYTES"]),
        ),
        wrong("the length of a string is complete", 1, &[3, 0, 0], &["input `x`", "trailing bytes"]),
        wrong(
            "a string is as long as its length",
            1,
            &[3, 0, 0, 0, b'a'],
            &["input `x`", "longer than the rest"],
        ),
        wrong("a length is no promise", 1, &[255; 4], &["input `x`", "longer than the rest"]),
        wrong("nothing follows the last string", 1, &[1, 0, 0, 0, b'a', 0], &["input `x`", "trailing bytes"]),
        refused(
            "half of a surrogate pair is no text",
            "BYTES",
            1,
            Values::Json(r#"["\ud83d"]"#),
            Words(Invalid, &["surrogate"]),
        )
        .over(&Form::OF_JSON),
    ]
}
