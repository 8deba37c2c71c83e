//! `module-cycles [PACKAGE...]`: fails if files of a crate use each other in a cycle, and prints each cycle as a chain
//! of files with the paths that make it. Without arguments it checks every member of the workspace in this folder.
//!
//! A file uses the file that defines what it names, by `use` or by a path in its code. `mod` and `pub use` are not uses,
//! and code that only tests compile does not count.

mod cycles;
mod lexer;
mod module;
mod tree;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use cycles::Graph;
use tree::Crate;

fn main() -> ExitCode {
    let packages: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match check(packages) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: failed to read the crates: {error}");
            ExitCode::from(2)
        }
    }
}

/// Prints the cycles of these packages, or of all; returns how many there are.
fn check(packages: Vec<PathBuf>) -> io::Result<usize> {
    let packages = if packages.is_empty() { members()? } else { packages };
    let mut found = 0;
    for package in packages {
        for root in tree::roots(&package)? {
            let uses = Crate::read(&root, &read)?.uses();
            found += print(&root, &uses);
        }
    }
    Ok(found)
}

/// The folders of the workspace's members.
fn members() -> io::Result<Vec<PathBuf>> {
    let manifest = fs::read_to_string("Cargo.toml")?;
    let list = manifest.split_once("\nmembers = [").and_then(|(_, rest)| rest.split_once(']'));
    let (list, _) = list.ok_or_else(|| io::Error::other("Cargo.toml has no line `members = [`"))?;
    Ok(list.split('"').skip(1).step_by(2).map(PathBuf::from).collect())
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}

fn print(root: &Path, uses: &Graph) -> usize {
    let mut found = 0;
    for component in uses.components() {
        let cycles = component.cycles();
        println!("{}: {} files use each other in cycles:", root.display(), component.len());
        for (number, cycle) in cycles.iter().enumerate() {
            for (at, (file, used)) in cycle.iter().enumerate() {
                let number = if at == 0 { format!("{}.", number + 1) } else { String::new() };
                println!("  {number:<4}{}:{} uses {}", file.display(), used.line, used.path);
            }
            println!("      {}", cycle[0].0.display());
        }
        found += cycles.len();
    }
    found
}
