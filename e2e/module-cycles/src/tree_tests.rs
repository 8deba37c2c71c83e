use super::*;

/// The cycles of a crate with these files, as `file (what it uses) -> file (...)`.
fn cycles(files: &[(&str, &str)]) -> Vec<String> {
    let files: BTreeMap<PathBuf, String> =
        files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
    let read = |path: &FilePath| Ok(files.get(path).cloned());
    let found = Crate::read(FilePath::new("src/lib.rs"), &read).expect("the files of the test are complete");
    let step = |(file, used): &(PathBuf, Use)| format!("{} ({}:{})", file.display(), used.line, used.path);
    found
        .uses()
        .cycles()
        .iter()
        .map(|cycle| cycle.iter().map(step).collect::<Vec<_>>().join(" -> "))
        .collect()
}

#[test]
fn two_files_that_use_each_other_are_a_cycle() {
    let found = cycles(&[
        ("src/lib.rs", "mod a;\nmod b;"),
        ("src/a.rs", "use crate::b::B;\npub struct A;"),
        ("src/b.rs", "\npub struct B;\npub fn f() -> super::a::A { super::a::A }"),
    ]);
    assert_eq!(found, ["src/a.rs (1:crate::b::B) -> src/b.rs (3:super::a::A)"]);
}

#[test]
fn a_tree_in_which_each_file_uses_only_those_below_has_no_cycle() {
    let found = cycles(&[
        ("src/lib.rs", "mod a; mod b; pub use a::A;"),
        ("src/a.rs", "mod c; use crate::b::B; pub struct A(c::C, B);"),
        ("src/a/c.rs", "use crate::b; pub struct C(b::B);"),
        ("src/b.rs", "use std::a::X; pub struct B;"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_parent_that_uses_its_child_and_is_used_by_it_is_a_cycle() {
    let found = cycles(&[
        ("src/lib.rs", "mod a;"),
        ("src/a/mod.rs", "mod child; pub struct Context; pub fn run() { child::step(Context) }"),
        ("src/a/child.rs", "use super::Context; pub fn step(_: Context) {}"),
    ]);
    assert_eq!(found, ["src/a/child.rs (1:super::Context) -> src/a/mod.rs (1:child::step)"]);
}

#[test]
fn to_declare_a_child_or_to_pass_on_its_names_is_not_a_use() {
    let found = cycles(&[
        ("src/lib.rs", "mod a;"),
        ("src/a/mod.rs", "mod child; pub use child::Step; pub const LIMIT: u8 = 1;"),
        ("src/a/child.rs", "pub struct Step([u8; super::LIMIT]);"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_name_that_is_passed_on_leads_to_the_file_that_defines_it() {
    let files = |of_b: &'static str| {
        [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a/mod.rs", "mod x; mod y; pub use x::X; pub(crate) use self::y::*;"),
            ("src/a/x.rs", "use crate::b::B; pub struct X(B);"),
            ("src/a/y.rs", "pub struct Y;"),
            ("src/b.rs", of_b),
        ]
    };
    assert_eq!(cycles(&files("use crate::a::Y; pub struct B(Y);")), [""; 0], "Y is not X");
    let found = cycles(&files("pub struct B; fn f(_: crate::a::X) {}"));
    assert_eq!(found, ["src/a/x.rs (1:crate::b::B) -> src/b.rs (1:crate::a::X)"]);
}

#[test]
fn a_longer_cycle_is_one_chain_and_each_chain_is_named_once() {
    let found = cycles(&[
        ("src/lib.rs", "mod a; mod b; mod c; mod d;"),
        ("src/a.rs", "use crate::{b::B, d::D}; pub struct A;"),
        ("src/b.rs", "use crate::c::C; pub struct B;"),
        ("src/c.rs", "use crate::a::A; pub struct C;"),
        ("src/d.rs", "use crate::a::A; pub struct D;"),
    ]);
    assert_eq!(
        found,
        [
            "src/a.rs (1:crate::d::D) -> src/d.rs (1:crate::a::A)",
            "src/a.rs (1:crate::b::B) -> src/b.rs (1:crate::c::C) -> src/c.rs (1:crate::a::A)"
        ]
    );
}

#[test]
fn modules_in_braces_belong_to_their_file() {
    let found = cycles(&[
        ("src/lib.rs", "mod a; mod b { pub struct B(crate::a::A); }"),
        ("src/a.rs", "pub struct A; mod inner { use super::A; use crate::b::B; }"),
    ]);
    assert_eq!(found, ["src/a.rs (1:crate::b::B) -> src/lib.rs (1:crate::a::A)"]);
}

#[test]
fn what_only_tests_use_is_not_counted() {
    let found = cycles(&[
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "pub struct A; #[cfg(test)] #[path = \"a_tests.rs\"] mod tests;"),
        ("src/b.rs", "use crate::a::A; pub struct B(A);"),
        ("src/a_tests.rs", "use crate::b::B;"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_module_without_its_file_is_an_error() {
    let read = |path: &FilePath| Ok((path == FilePath::new("src/lib.rs")).then(|| "mod a;".to_owned()));
    let error = Crate::read(FilePath::new("src/lib.rs"), &read).expect_err("there is no a.rs");
    assert!(error.to_string().contains("src/a/mod.rs"), "{error}");
}
