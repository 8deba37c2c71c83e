//! Removes credentials from a text, wherever they are. Pure.

/// Stands for a credential that was removed.
const REDACTED: &str = "(redacted)";
/// Names of values that are credentials, before `=` or `:`.
const KEYS: [&str; 12] = [
    "password",
    "passwd",
    "token",
    "secret",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "access_key_id",
    "secret_key",
    "client-key-data",
    "client-certificate-data",
];
/// Beginnings of words that are credentials: JSON Web Tokens, and keys of AWS, GitHub, GitLab and Google.
const BEGINNINGS: [&str; 9] =
    ["eyJ", "AKIA", "ASIA", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "AIza"];
/// A shorter word with such a beginning is not a credential.
const SHORTEST: usize = 16;
/// The word before the credentials in the header `Authorization`.
const SCHEMES: [&str; 2] = ["bearer ", "basic "];

/// The text without the user and the query of URLs, without tokens, keys and passwords, and without PEM blocks.
#[must_use]
pub fn without_credentials(text: &str) -> String {
    let text = pem(text);
    let text = urls(&text);
    let text = schemes(&text);
    let text = assignments(&text);
    words(&text)
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ',' | ')' | ']' | '}' | '\\')
}

fn word(text: &str) -> &str {
    &text[..text.find(ends_word).unwrap_or(text.len())]
}

/// From `-----BEGIN` to the line `-----END`, or to the end.
fn pem(text: &str) -> String {
    let (mut result, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("-----BEGIN ") {
        result.push_str(&rest[..at]);
        result.push_str(REDACTED);
        let block = &rest[at..];
        rest = match block
            .find("-----END ")
            .and_then(|end| block[end + 9..].find("-----").map(|more| end + 9 + more + 5))
        {
            Some(end) => &block[end..],
            None => "",
        };
    }
    result + rest
}

fn urls(text: &str) -> String {
    let (mut result, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        result.push_str(before);
        let url = word(after);
        rest = &after[url.len()..];
        let (address, query) = match url.find(['?', '#']) {
            Some(at) => (&url[..at], true),
            None => (url, false),
        };
        let (authority, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        match authority.rsplit_once('@') {
            Some((_, host)) => result.extend([REDACTED, "@", host]),
            None => result.push_str(authority),
        }
        result.push_str(path);
        if query {
            result.extend(["?", REDACTED]);
        }
    }
    result + rest
}

fn schemes(text: &str) -> String {
    after_each(text, &SCHEMES, |rest| {
        let credential = word(rest);
        // `Bearer` is also a word in sentences.
        (credential.len() >= SHORTEST).then_some((0, credential.len()))
    })
}

fn assignments(text: &str) -> String {
    after_each(text, &KEYS, |rest| {
        let value = rest.trim_start_matches(['"', '\'', '\\']);
        let value = value.strip_prefix([':', '='])?.trim_start_matches([' ', '"', '\'', '\\']);
        let length = word(value).len();
        (length > 0 && !value.starts_with(REDACTED)).then_some((rest.len() - value.len(), length))
    })
}

/// After each of these marks, in any case, replaces the range that `credential` returns: its distance and its length.
fn after_each(text: &str, marks: &[&str], credential: impl Fn(&str) -> Option<(usize, usize)>) -> String {
    // Lower case of ASCII only keeps every position.
    let lower = text.to_ascii_lowercase();
    let (mut result, mut at) = (String::new(), 0);
    while let Some((found, mark)) = marks
        .iter()
        .filter_map(|mark| lower[at..].find(mark).map(|found| (found, mark.len())))
        .min_by_key(|(found, length)| (*found, usize::MAX - *length))
    {
        let end = at + found + mark;
        let (distance, length) = credential(&text[end..]).unwrap_or_default();
        result.push_str(&text[at..end + distance]);
        if length > 0 {
            result.push_str(REDACTED);
        }
        at = end + distance + length;
    }
    result + &text[at..]
}

fn words(text: &str) -> String {
    let (mut result, mut rest) = (String::new(), text);
    while !rest.is_empty() {
        let word = word(rest);
        if word.is_empty() {
            let mut chars = rest.chars();
            result.extend(chars.next());
            rest = chars.as_str();
            continue;
        }
        let value = word.rsplit(['=', ':']).next().unwrap_or(word);
        if value.len() >= SHORTEST && BEGINNINGS.iter().any(|b| value.starts_with(b)) {
            result.push_str(&word[..word.len() - value.len()]);
            result.push_str(REDACTED);
        } else {
            result.push_str(word);
        }
        rest = &rest[word.len()..];
    }
    result
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "get https://u:p@h:9000/a/b?X-Sig=1#f, then",
        "get https://(redacted)@h:9000/a/b?(redacted), then"
    )]
    #[case("s3://models/fraud/1.3.0/model.onnx", "s3://models/fraud/1.3.0/model.onnx")]
    #[case("https://h?token=a", "https://h?(redacted)")]
    #[case(r#"{"uri":"https://me@h/x"}"#, r#"{"uri":"https://(redacted)@h/x"}"#)]
    #[case("Authorization: Bearer abcdefghijklmnopqrstuvwxyz", "Authorization: Bearer (redacted)")]
    #[case("the bearer of bad news", "the bearer of bad news")]
    #[case("password=hunter2 user=x", "password=(redacted) user=x")]
    #[case(r#"{"Secret_Key": "a/b+c", "x": 1}"#, r#"{"Secret_Key": "(redacted)", "x": 1}"#)]
    #[case("AWS_SECRET_ACCESS_KEY=abc", "AWS_SECRET_ACCESS_KEY=(redacted)")]
    #[case("secretRef: s3; the token is missing", "secretRef: s3; the token is missing")]
    #[case("id AKIAABCDEFGHIJKLMNOP.", "id (redacted)")]
    #[case("key=eyJhbGciOiJSUzI1NiIsImtpZCI6", "key=(redacted)")]
    #[case("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb", "a\n(redacted)\nb")]
    #[case("cut -----BEGIN CERTIFICATE-----\nMIIE", "cut (redacted)")]
    #[case("naïve ünïcode: passwd: ü", "naïve ünïcode: passwd: (redacted)")]
    fn credentials_are_removed_and_nothing_else(#[case] text: &str, #[case] without: &str) {
        assert_eq!(without_credentials(text), without);
    }
}
