//! One line of a file of examples.

use super::flaw::Flaw;
use crate::{api::Api, codec::scan::Scanner, error::Refusal};

/// A request and its expected answer, as they are written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// [`Api::Infer`] or [`Api::Predict`].
    pub(super) api: Api,
    pub(super) request: &'a [u8],
    pub(super) response: &'a [u8],
}

/// Reads `{"request": {...}, "response": {...}}`. Other keys, such as a comment, are ignored.
pub(super) fn read(text: &[u8]) -> Result<Line<'_>, Flaw> {
    let invalid = |refusal: Refusal| Flaw::Invalid(format!("{refusal}{}", hint(text)));
    let (mut request, mut response) = (None, None);
    let mut scanner = Scanner::new(text);
    scanner
        .object(|scanner, key| {
            match key {
                "request" => request = Some(scanner.value()?),
                "response" => response = Some(scanner.value()?),
                _ => scanner.skip()?,
            }
            Ok(())
        })
        .and_then(|()| scanner.finish())
        .map_err(invalid)?;
    let (Some(request), Some(response)) = (request, response) else {
        let what = r#"expected {"request": {...}, "response": {...}}"#;
        return Err(Flaw::Invalid(what.to_owned()));
    };
    Ok(Line { api: api_of(request).map_err(invalid)?, request, response })
}

/// The API that a request is for, by its keys.
fn api_of(request: &[u8]) -> Result<Api, Refusal> {
    let (mut infer, mut predict) = (false, false);
    Scanner::new(request).object(|scanner, key| {
        infer |= key == "inputs";
        predict |= key == "records";
        scanner.skip()
    })?;
    match (infer, predict) {
        (true, false) => Ok(Api::Infer),
        (false, true) => Ok(Api::Predict),
        _ => Err(Refusal::bad("a request has either `inputs`, as for /infer, or `records`, as for /predict")),
    }
}

/// Python writes numbers that JSON does not have.
fn hint(text: &[u8]) -> &'static str {
    let has = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
    if has(b"NaN") || has(b"Infinity") { "; NaN and infinity are written as null in an answer" } else { "" }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"request":{"inputs":[]},"response":{"outputs":[]}}"#, Api::Infer)]
    #[case(r#" {"note":[1,{}],"response":{"predictions":[]} , "request": {"records":[{}]}} "#, Api::Predict)]
    fn a_line_is_a_request_for_one_of_the_apis_and_an_answer(#[case] text: &str, #[case] api: Api) {
        let line = read(text.as_bytes()).unwrap();
        assert_eq!(line.api, api);
        for part in [line.request, line.response] {
            assert!(part.starts_with(b"{") && part.ends_with(b"}"), "{:?}", String::from_utf8_lossy(part));
        }
    }

    #[rstest]
    #[case::no_json("fraud,0.7", "expected `{`")]
    #[case::cut(r#"{"request":{"inputs":["#, "expected a value")]
    #[case::no_answer(r#"{"request":{"inputs":[]}}"#, r#""response""#)]
    #[case::no_request(r#"{"response":{}}"#, r#""request""#)]
    #[case::two_objects(r#"{"request":{"inputs":[]},"response":{}} {}"#, "trailing bytes")]
    #[case::another_api(r#"{"request":{"instances":[]},"response":{}}"#, "either `inputs`")]
    #[case::both_apis(r#"{"request":{"inputs":[],"records":[]},"response":{}}"#, "either `inputs`")]
    #[case::a_list(r#"{"request":[1],"response":{}}"#, "expected `{`")]
    #[case::nan(r#"{"request":{"inputs":[]},"response":{"y":NaN}}"#, "written as null")]
    fn a_line_that_is_not_an_example_is_refused(#[case] text: &str, #[case] message: &str) {
        let Err(Flaw::Invalid(found)) = read(text.as_bytes()) else { panic!("{text} was read") };
        assert!(found.contains(message), "{found}");
    }

    #[test]
    fn deeply_nested_brackets_do_not_overflow_the_stack() {
        let deep = format!(r#"{{"request":{}"#, "[".repeat(100_000));
        assert!(read(deep.as_bytes()).is_err());
    }
}
