//! The modules of a crate, and which file defines what a path names.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path as FilePath, PathBuf},
};

use crate::{
    cycles::{Graph, Use},
    module::{Import, Module, Path, modules},
};

/// `crate::a::b` is `["a", "b"]`.
type Name = Vec<String>;

/// Re-exports that lead to each other end here.
const LONGEST: usize = 16;

/// A program or a library: all modules that its root file leads to.
#[derive(Debug, Default)]
pub struct Crate {
    modules: BTreeMap<Name, (PathBuf, Module)>,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// A module.
    Module(Name),
    /// Something that this module defines.
    Item(Name),
}

impl Crate {
    /// Reads the crate whose root is this file. `read` returns the text of a file, or `None` if there is none.
    pub fn read(root: &FilePath, read: &dyn Fn(&FilePath) -> io::Result<Option<String>>) -> io::Result<Self> {
        let mut found = Self::default();
        found.add(root, &[], true, read)?;
        Ok(found)
    }

    /// Adds the file of the module `name` and what it leads to. `owns_folder`: its children are in its own folder, as
    /// those of a `mod.rs` are.
    fn add(
        &mut self,
        file: &FilePath,
        name: &[String],
        owns_folder: bool,
        read: &dyn Fn(&FilePath) -> io::Result<Option<String>>,
    ) -> io::Result<()> {
        let Some(source) = read(file)? else {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} does not exist", file.display()),
            ));
        };
        let folder = file.parent().map(FilePath::to_owned).unwrap_or_default();
        let children =
            if owns_folder { folder.clone() } else { folder.join(file.file_stem().unwrap_or_default()) };
        for module in modules(&source) {
            let own = [name, &module.inside].concat();
            let inside: PathBuf = module.inside.iter().collect();
            for child in module.children.iter().filter(|child| !child.is_inline) {
                let below = [own.as_slice(), std::slice::from_ref(&child.name)].concat();
                if let Some(path) = &child.file {
                    let base = if module.inside.is_empty() { folder.clone() } else { children.join(&inside) };
                    self.add(&base.join(path), &below, true, read)?;
                    continue;
                }
                let base = children.join(&inside);
                let flat = base.join(format!("{}.rs", child.name));
                if read(&flat)?.is_some() {
                    self.add(&flat, &below, false, read)?;
                } else {
                    self.add(&base.join(&child.name).join("mod.rs"), &below, true, read)?;
                }
            }
            self.modules.insert(own, (file.to_owned(), module));
        }
        Ok(())
    }

    /// Which file uses what of which other file.
    pub fn uses(&self) -> Graph {
        let mut graph = Graph::default();
        for (name, (file, module)) in &self.modules {
            for path in used(module) {
                let Some(target) = self.resolve(name, &path.segments, LONGEST) else { continue };
                let defines = match &target {
                    Target::Item(module) => module,
                    // Only the names of a module are used, and they have paths of their own; `*` uses them all.
                    Target::Module(module) if path.segments.last().is_some_and(|last| last == "*") => module,
                    Target::Module(_) => continue,
                };
                let to = &self.modules[defines].0;
                if to != file {
                    let path = Use { line: path.line, path: path.segments.join("::") };
                    graph.add(file, to, path);
                }
            }
        }
        graph
    }

    fn module(&self, name: &[String]) -> Option<&Module> {
        self.modules.get(name).map(|(_, module)| module)
    }

    /// What a path means in the module `from`; `None` where it leads out of the crate.
    fn resolve(&self, from: &[String], path: &[String], left: usize) -> Option<Target> {
        let mut rest = path;
        let first = rest.first()?;
        let mut at = match first.as_str() {
            "crate" => Target::Module(vec![]),
            "self" => Target::Module(from.to_vec()),
            "super" => Target::Module(from.split_last()?.1.to_vec()),
            name => self.named(from, name, left)?,
        };
        rest = &rest[1..];
        while let (Target::Module(module), [segment, more @ ..]) = (&at, rest) {
            at = match segment.as_str() {
                "*" => return Some(at),
                "super" => Target::Module(module.split_last()?.1.to_vec()),
                name => match self.named(module, name, left) {
                    Some(found) => found,
                    // An import of something outside of this crate.
                    None if self.imports(module, name).next().is_some() => return None,
                    None => Target::Item(module.clone()),
                },
            };
            rest = more;
        }
        Some(at)
    }

    /// What a name means in a module: a child module, something imported or something defined there.
    fn named(&self, at: &[String], name: &str, left: usize) -> Option<Target> {
        let module = self.module(at)?;
        if module.children.iter().any(|child| child.name == name) {
            let child = [at, &[name.to_owned()]].concat();
            // Those of tests were not read.
            return self.module(&child).is_some().then_some(Target::Module(child));
        }
        let left = left.checked_sub(1)?;
        let imported =
            self.imports(at, name).find_map(|import| self.resolve(at, &import.path.segments, left));
        if imported.is_some() {
            return imported;
        }
        if module.items.contains(name) {
            return Some(Target::Item(at.to_vec()));
        }
        self.imports(at, "*").find_map(|import| match self.resolve(at, &import.path.segments, left)? {
            Target::Module(other) if other != at => {
                self.named(&other, name, left).filter(|found| *found != Target::Module(vec![]))
            }
            _ => None,
        })
    }

    fn imports<'a>(&'a self, at: &[String], name: &'a str) -> impl Iterator<Item = &'a Import> {
        let imports = self.module(at).map_or(&[][..], |module| &module.imports);
        // `use a;` names itself and leads nowhere else.
        imports.iter().filter(move |import| {
            let [only] = import.path.segments.as_slice() else { return import.name == name };
            import.name == name && only != name
        })
    }
}

/// The paths whose targets a module uses itself. A name that it only passes on by `pub use` is not among them.
fn used(module: &Module) -> Vec<Path> {
    let mut paths: Vec<Path> = vec![];
    for import in &module.imports {
        let passed_on = import.is_public && !module.words.contains(&import.name);
        if !passed_on {
            let mut path = import.path.clone();
            if import.name == "*" {
                path.segments.push("*".to_owned());
            }
            paths.push(path);
        }
    }
    paths.extend(module.paths.iter().cloned());
    paths.sort_by_key(|path| path.line);
    paths
}

/// The root files of a package: library, programs, and tests that are folders.
pub fn roots(package: &FilePath) -> io::Result<Vec<PathBuf>> {
    let mut roots: BTreeSet<PathBuf> = ["src/lib.rs", "src/main.rs"]
        .map(|file| package.join(file))
        .into_iter()
        .filter(|f| f.is_file())
        .collect();
    for folder in ["src/bin", "tests"] {
        let Ok(entries) = package.join(folder).read_dir() else { continue };
        for entry in entries {
            let path = entry?.path();
            let main = path.join("main.rs");
            if main.is_file() {
                roots.insert(main);
            }
        }
    }
    Ok(roots.into_iter().collect())
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
