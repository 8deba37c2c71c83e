//! Rust source as tokens, without comments and without code that only tests compile.

/// A word, a literal or a mark. `::` is one mark; every other mark is a single character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The text. A string literal keeps its quotes, so that it is never taken for a word.
    pub text: String,
    /// Line in the file, from 1.
    pub line: usize,
}

impl Token {
    /// Whether this is an identifier or a keyword.
    pub fn is_word(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_') && !self.text.contains('"')
    }
}

/// The tokens of a file, without items under `#[cfg(test)]`.
pub fn tokens(source: &str) -> Vec<Token> {
    without_tests(&all(source))
}

fn all(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut tokens, mut line, mut at) = (vec![], 1, 0);
    while at < chars.len() {
        let end = token_end(&chars, at);
        let text: String = chars[at..end].iter().collect();
        let is_comment = text.starts_with("//") || text.starts_with("/*");
        if !is_comment && !chars[at].is_whitespace() {
            let text = text.strip_prefix("r#").filter(|_| !text.ends_with('#')).unwrap_or(&text);
            tokens.push(Token { text: text.to_owned(), line });
        }
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

/// Where the token ends that begins at `at`.
fn token_end(chars: &[char], at: usize) -> usize {
    let next = |ahead: usize| chars.get(at + ahead).copied().unwrap_or(' ');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let until = |from: usize, stop: &dyn Fn(char) -> bool| {
        chars[from..].iter().position(|c| stop(*c)).map_or(chars.len(), |found| from + found)
    };
    match chars[at] {
        '/' if next(1) == '/' => until(at, &|c| c == '\n'),
        '/' if next(1) == '*' => comment_end(chars, at),
        '"' => string_end(chars, at),
        '\'' if next(1) == '\\' => until(at + 3, &|c| c == '\'') + 1,
        '\'' if next(2) == '\'' => at + 3,
        ':' if next(1) == ':' => at + 2,
        c if is_word(c) => {
            let end = until(at, &|c| !is_word(c));
            let word: String = chars[at..end].iter().collect();
            match (word.as_str(), chars.get(end)) {
                ("r" | "br" | "cr", Some('"' | '#')) => {
                    let marks = chars[end..].iter().take_while(|c| **c == '#').count();
                    if chars.get(end + marks) == Some(&'"') {
                        raw_string_end(chars, end + marks + 1, marks)
                    } else {
                        // A raw identifier such as `r#type`.
                        until(end + 1, &|c| !is_word(c))
                    }
                }
                ("b" | "c", Some('"')) => string_end(chars, end),
                _ => end,
            }
        }
        _ => at + 1,
    }
}

fn comment_end(chars: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0_usize, start);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn string_end(chars: &[char], quote: usize) -> usize {
    let mut at = quote + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn raw_string_end(chars: &[char], start: usize, marks: usize) -> usize {
    let closes = |at: usize| {
        chars[at] == '"' && chars[at + 1..].iter().take(marks).filter(|c| **c == '#').count() == marks
    };
    (start..chars.len()).find(|at| closes(*at)).map_or(chars.len(), |at| at + 1 + marks)
}

fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let (mut kept, mut at) = (vec![], 0);
    while at < tokens.len() {
        let (end, is_test, is_inner) = attributes(tokens, at);
        if is_test && is_inner {
            return vec![];
        }
        if is_test {
            at = item_end(tokens, end);
            continue;
        }
        let end = end.max(at + 1);
        kept.extend_from_slice(&tokens[at..end]);
        at = end;
    }
    kept
}

/// Where the attributes end that begin at `at`, whether one of them is `cfg(test)`, and whether they are those of the
/// whole file.
fn attributes(tokens: &[Token], mut at: usize) -> (usize, bool, bool) {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let (mut is_test, mut is_inner) = (false, false);
    while text(at) == "#" && (text(at + 1) == "[" || (text(at + 1) == "!" && text(at + 2) == "[")) {
        let open = if text(at + 1) == "!" { at + 2 } else { at + 1 };
        let end = closing(tokens, open);
        let inside = &tokens[open + 1..end - 1];
        let has = |word: &str| inside.iter().any(|token| token.text == word);
        if inside.first().is_some_and(|token| token.text == "cfg") && has("test") && !has("not") {
            (is_test, is_inner) = (true, open == at + 2);
        }
        at = end;
    }
    (at, is_test, is_inner)
}

/// The place after the bracket that closes the one at `open`.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// The place after the item, statement, field or match arm that begins at `start`.
fn item_end(tokens: &[Token], start: usize) -> usize {
    const ITEMS: [&str; 16] = [
        "pub",
        "fn",
        "mod",
        "use",
        "struct",
        "enum",
        "impl",
        "trait",
        "const",
        "static",
        "type",
        "async",
        "unsafe",
        "let",
        "extern",
        "macro_rules",
    ];
    let first = tokens.get(start).map_or("", |token| token.text.as_str());
    let is_item = ITEMS.contains(&first);
    // `use a::{b, c};` and `const A: B = B { c };` go on after their braces.
    let mut ends_with_semicolon = first == "use" || first == "let";
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ";" => return at + 1,
            "," if !is_item => return at + 1,
            ")" | "]" | "}" => return at,
            "use" | "=" => ends_with_semicolon = true,
            "(" | "[" => {
                at = closing(tokens, at);
                continue;
            }
            "{" => {
                at = closing(tokens, at);
                if ends_with_semicolon {
                    continue;
                }
                return at;
            }
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        tokens(source).into_iter().filter(Token::is_word).map(|token| token.text).collect()
    }

    #[test]
    fn comments_strings_and_characters_hold_no_words() {
        let source = r##"
            // crate::a
            /* crate::b /* nested */ crate::c */
            const A: &str = "crate::d \" crate::e";
            const B: &str = r#"crate::f " crate::g"#;
            const C: (char, char, u8) = ('"', '\'', b'"');
            fn f<'a>(x: &'a str) { x }
        "##;
        let expected = "const A str const B str const C char char u8 b fn f a x a str x";
        assert_eq!(words(source).join(" "), expected);
    }

    #[test]
    fn each_token_knows_its_line() {
        let found = tokens("use\n\"a\nb\"\n/* \n */ r#type");
        let found: Vec<_> = found.iter().map(|token| (token.text.as_str(), token.line)).collect();
        assert_eq!(found, [("use", 1), ("\"a\nb\"", 2), ("type", 5)]);
    }

    #[test]
    fn code_that_only_tests_compile_is_left_out() {
        for test in [
            "#[cfg(test)] mod tests { use crate::x; }",
            "#[cfg(test)] #[path = \"x_tests.rs\"] mod tests;",
            "#[path = \"x_tests.rs\"] #[cfg(test)] mod tests;",
            "#[cfg(test)] use crate::{a, b};",
            "#[cfg(all(test, unix))] pub fn f(a: [u8; 2]) -> u8 { a[0] }",
            "#[cfg(test)] const A: B = B { c };",
            "#[cfg(test)] pub struct A(u8);",
        ] {
            assert_eq!(words(&format!("{test} fn kept() {{}}")), ["fn", "kept"], "{test}");
        }
        assert_eq!(words("struct A { #[cfg(test)] b: B, kept: C }"), ["struct", "A", "kept", "C"]);
        assert_eq!(words("#![cfg(test)] fn gone() {}"), [""; 0]);
    }

    #[test]
    fn code_that_only_programs_compile_is_kept() {
        assert_eq!(words("#[cfg(not(test))] fn kept() {}"), ["cfg", "not", "test", "fn", "kept"]);
    }
}
