//! What one module says: its child modules, its `use` declarations, the paths in its code, the names that it defines.

use std::collections::BTreeSet;

use crate::lexer::{Token, tokens};

/// A module of a file: the file itself, or one that is written inside of it with braces.
#[derive(Debug, Default)]
pub struct Module {
    /// Names of the modules around it in the same file; empty for the file's own.
    pub inside: Vec<String>,
    /// Child modules.
    pub children: Vec<Child>,
    /// `use` declarations, one entry a name.
    pub imports: Vec<Import>,
    /// Paths of two segments or more in the code.
    pub paths: Vec<Path>,
    /// Words outside of `use` declarations.
    pub words: BTreeSet<String>,
    /// Names of functions, types and so on that are defined here.
    pub items: BTreeSet<String>,
}

/// `mod name;` or `mod name { ... }`.
#[derive(Debug, PartialEq, Eq)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// Whether it is written in the same file.
    pub is_inline: bool,
    /// The file that `#[path = "..."]` names.
    pub file: Option<String>,
}

/// A path as it is written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// `crate::a::B` is `["crate", "a", "B"]`.
    pub segments: Vec<String>,
    /// Line in the file, from 1.
    pub line: usize,
}

/// One name of a `use` declaration.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// What is imported.
    pub path: Path,
    /// The name that it has here; `*` imports all names.
    pub name: String,
    /// Whether other modules get the name from here: `pub use`.
    pub is_public: bool,
}

/// The modules of a file, its own first.
pub fn modules(source: &str) -> Vec<Module> {
    let mut reader = Reader { tokens: tokens(source), at: 0 };
    let mut all = vec![Module::default()];
    reader.read(&mut all, 0);
    all
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text.as_str())
    }

    fn is_word(&self, ahead: usize) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(Token::is_word)
    }

    /// Reads the module with this index up to the brace that closes it.
    fn read(&mut self, all: &mut Vec<Module>, own: usize) {
        let (mut depth, mut is_public, mut file) = (0_usize, false, None);
        while self.at < self.tokens.len() {
            match self.text(0) {
                "{" => (depth, is_public) = (depth + 1, false),
                "}" if depth == 0 => return,
                "}" => (depth, is_public) = (depth - 1, false),
                ";" | "," => is_public = false,
                "pub" => {
                    is_public = true;
                    if self.text(1) == "(" && ["crate", "super", "self", "in"].contains(&self.text(2)) {
                        while self.text(0) != ")" {
                            self.at += 1;
                        }
                    }
                }
                "path" if self.text(1) == "=" && self.text(2).starts_with('"') => {
                    file = Some(self.text(2).trim_matches('"').to_owned());
                }
                "mod" if self.is_word(1) && ["{", ";"].contains(&self.text(2)) => {
                    let (name, is_inline) = (self.text(1).to_owned(), self.text(2) == "{");
                    self.at += 3;
                    all[own].children.push(Child { name: name.clone(), is_inline, file: file.take() });
                    if is_inline {
                        let inside = [all[own].inside.clone(), vec![name]].concat();
                        all.push(Module { inside, ..Module::default() });
                        let child = all.len() - 1;
                        self.read(all, child);
                        self.at += 1;
                    }
                    is_public = false;
                    continue;
                }
                "use" if self.text(1) != "<" => {
                    self.at += 1;
                    self.import(&mut all[own].imports, &[], is_public);
                    is_public = false;
                    continue;
                }
                _ if self.is_word(0) => {
                    self.word(&mut all[own]);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// A word of the code, with what `::` joins to it.
    fn word(&mut self, module: &mut Module) {
        const DEFINES: [&str; 9] =
            ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "macro_rules"];
        let follows = |mark: &str| self.at > 0 && self.tokens[self.at - 1].text == mark;
        let is_start = !follows("::") && !follows(".");
        let line = self.tokens[self.at].line;
        let mut segments = vec![self.text(0).to_owned()];
        module.words.insert(segments[0].clone());
        if DEFINES.contains(&self.text(0)) {
            let ahead = if self.text(1) == "!" { 2 } else { 1 };
            if self.is_word(ahead) {
                module.items.insert(self.text(ahead).to_owned());
            }
        }
        self.at += 1;
        while self.text(0) == "::" && self.is_word(1) {
            segments.push(self.text(1).to_owned());
            self.at += 2;
        }
        if is_start && segments.len() > 1 {
            module.paths.push(Path { segments, line });
        }
    }

    /// One branch of a `use` tree, below `prefix`.
    fn import(&mut self, imports: &mut Vec<Import>, prefix: &[String], is_public: bool) {
        let mut segments = prefix.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.text(0) {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !["}", ""].contains(&self.text(0)) {
                        self.import(imports, &segments, is_public);
                        if self.text(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "*" => {
                    self.at += 1;
                    imports.push(Import { path: Path { segments, line }, name: "*".to_owned(), is_public });
                    return;
                }
                "as" => {
                    let name = self.text(1).to_owned();
                    self.at += 2;
                    imports.push(Import { path: Path { segments, line }, name, is_public });
                    return;
                }
                // `use a::{self}` imports `a`.
                "self" if !segments.is_empty() => self.at += 1,
                word if self.is_word(0) => {
                    segments.push(word.to_owned());
                    self.at += 1;
                }
                _ => {
                    if let Some(name) = segments
                        .last()
                        .cloned()
                        .filter(|_| segments.len() > prefix.len() || !prefix.is_empty())
                    {
                        imports.push(Import { path: Path { segments, line }, name, is_public });
                    }
                    if self.text(0) == ";" {
                        self.at += 1;
                    } else if ![",", "}"].contains(&self.text(0)) {
                        // Not a `use` tree: go on behind it.
                        self.at += 1;
                    }
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(source: &str) -> Vec<String> {
        let modules = modules(source);
        let line = |i: &Import| {
            format!("{}{} as {}", if i.is_public { "pub " } else { "" }, i.path.segments.join("::"), i.name)
        };
        modules.iter().flat_map(|module| module.imports.iter().map(line)).collect()
    }

    #[test]
    fn a_use_tree_is_one_import_a_name() {
        assert_eq!(
            imports("use crate::{a::{self, B, c::*}, d as e}; pub(crate) use super::F; use g;"),
            [
                "crate::a as a",
                "crate::a::B as B",
                "crate::a::c as *",
                "crate::d as e",
                "pub super::F as F",
                "g as g"
            ]
        );
    }

    #[test]
    fn an_import_has_the_line_of_its_name() {
        let modules = modules("use crate::{\n    a::B,\n    c::D,\n};");
        let lines: Vec<_> = modules[0].imports.iter().map(|import| import.path.line).collect();
        assert_eq!(lines, [2, 3]);
    }

    #[test]
    fn paths_in_the_code_are_found_and_methods_and_visibilities_are_not() {
        let source =
            "pub(in crate::x) fn f() -> super::T { a::b::<u8>(); c.d(); <E as F>::g(); $crate::h::i!() }";
        let found: Vec<_> = modules(source)[0].paths.iter().map(|path| path.segments.join("::")).collect();
        assert_eq!(found, ["super::T", "a::b", "crate::h::i"]);
    }

    #[test]
    fn a_module_in_braces_has_its_own_imports() {
        let all = modules("mod a { use super::b::C; mod d; } use e::F; #[path = \"x.rs\"] mod g;");
        let [file, inline] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(inline.inside, ["a"]);
        assert_eq!((file.imports.len(), inline.imports.len()), (1, 1));
        let child = |name: &str, is_inline, file: Option<&str>| Child {
            name: name.to_owned(),
            is_inline,
            file: file.map(str::to_owned),
        };
        assert_eq!(file.children, [child("a", true, None), child("g", false, Some("x.rs"))]);
        assert_eq!(inline.children, [child("d", false, None)]);
    }
}
