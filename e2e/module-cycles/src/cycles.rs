//! Cycles in a graph of files.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
};

/// Why one file needs another: the first path that leads there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Line of the path, from 1.
    pub line: usize,
    /// The path as it is written.
    pub path: String,
}

/// A cycle: each file with what it uses of the next one. The last file uses the first.
pub type Cycle = Vec<(PathBuf, Use)>;

/// Which file uses which.
#[derive(Clone, Debug, Default)]
pub struct Graph(BTreeMap<PathBuf, BTreeMap<PathBuf, Use>>);

impl Graph {
    /// Notes that `from` uses something of `to`. The first use is kept.
    pub fn add(&mut self, from: &Path, to: &Path, why: Use) {
        self.0.entry(from.to_owned()).or_default().entry(to.to_owned()).or_insert(why);
    }

    /// The strongly connected components with more than one file: each file needs every other one of its component.
    pub fn components(&self) -> Vec<Self> {
        let (mut components, mut seen) = (vec![], BTreeSet::new());
        for file in self.0.keys() {
            let files: BTreeSet<&Path> = self
                .reached(file)
                .into_iter()
                .filter(|other| self.reached(other).contains(file.as_path()))
                .collect();
            if !files.is_empty() && seen.insert(files.clone()) {
                components.push(self.only(&files));
            }
        }
        components
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Cycles, shortest first, until no cycle is left. No use is part of two of them.
    pub fn cycles(&self) -> Vec<Cycle> {
        let (mut left, mut found) = (self.clone(), vec![]);
        while let Some(cycle) = left.shortest() {
            for (at, (from, _)) in cycle.iter().enumerate() {
                let to = &cycle[(at + 1) % cycle.len()].0;
                left.0.get_mut(from).and_then(|uses| uses.remove(to));
            }
            found.push(cycle);
        }
        found
    }

    /// The files that this one needs, directly or through others.
    fn reached<'a>(&'a self, file: &'a Path) -> BTreeSet<&'a Path> {
        let (mut seen, mut left) = (BTreeSet::new(), vec![file]);
        while let Some(at) = left.pop() {
            let uses = self.0.get(at).into_iter().flat_map(BTreeMap::keys);
            left.extend(uses.map(PathBuf::as_path).filter(|next| seen.insert(*next)));
        }
        seen
    }

    fn only(&self, files: &BTreeSet<&Path>) -> Self {
        let uses = |file: &Path| {
            let all = self.0.get(file).into_iter().flatten();
            let inside = all.filter(|(to, _)| files.contains(to.as_path()));
            inside.map(|(to, why)| (to.clone(), why.clone())).collect()
        };
        Self(files.iter().map(|file| (file.to_path_buf(), uses(file))).collect())
    }

    fn shortest(&self) -> Option<Cycle> {
        let files = self.0.keys().filter_map(|file| self.way_back(file));
        let way = files.min_by_key(Vec::len)?;
        let step = |at: usize| {
            let (from, to) = (way[at], way[(at + 1) % way.len()]);
            (from.to_owned(), self.0[from][to].clone())
        };
        Some((0..way.len()).map(step).collect())
    }

    /// The shortest way from a file to itself: the files on it, this one first.
    fn way_back<'a>(&'a self, file: &'a Path) -> Option<Vec<&'a Path>> {
        let mut before: BTreeMap<&Path, &Path> = BTreeMap::new();
        let mut queue = VecDeque::from([file]);
        while let Some(at) = queue.pop_front() {
            for next in self.0.get(at).into_iter().flat_map(BTreeMap::keys) {
                if next == file {
                    let mut way = vec![at];
                    while let Some(previous) = before.get(way[way.len() - 1]) {
                        way.push(previous);
                    }
                    way.reverse();
                    return Some(way);
                }
                if !before.contains_key(next.as_path()) {
                    before.insert(next, at);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}
