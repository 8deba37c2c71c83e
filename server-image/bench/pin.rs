//! Which processors the servers and the load may use.

use std::{ops::Range, process::Command};

use rustix::thread::{CpuSet, sched_setaffinity};

/// Processors of the servers and of the load. `None`: all.
#[derive(Debug, Clone, Default)]
pub struct Pin {
    servers: Option<Range<usize>>,
    load: Option<Range<usize>>,
}

impl Pin {
    /// The load has the last processor, the servers have the others. With a single one, both have it.
    pub fn apart() -> Self {
        Self::first(processors() - 1)
    }

    /// The servers have the first so many processors, the load has the rest. If there is no rest, the load has all.
    pub fn first(count: usize) -> Self {
        let all = processors();
        Self {
            servers: (count > 0).then_some(0..count),
            load: (0 < count && count < all).then_some(count..all),
        }
    }

    /// How many processors the servers have.
    pub fn servers(&self) -> usize {
        self.servers.as_ref().map_or_else(processors, ExactSizeIterator::len)
    }

    /// Whether the load has processors of its own.
    pub fn is_apart(&self) -> bool {
        self.load.is_some()
    }

    /// Keeps this thread on the processors of the load.
    pub fn load(&self) {
        if let Some(load) = &self.load {
            let mut set = CpuSet::new();
            load.clone().for_each(|processor| set.set(processor));
            sched_setaffinity(None, &set).expect("these processors exist");
        }
    }

    /// A command for a program on the processors of the servers, which ends with this process, however this one ends.
    pub fn server(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "--"]);
        if let Some(Range { start, end }) = self.servers {
            command.args(["taskset", "-c", &format!("{start}-{}", end - 1)]);
        }
        command.arg(program);
        command
    }
}

/// Processors of this process.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
