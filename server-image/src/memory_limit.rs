//! Limits the memory of the process to that of its container.
//!
//! A model can make a large tensor of a small request. Beyond the limit of the container, the kernel ends the process and every
//! call in it. With this limit, the allocation fails first, and ONNX Runtime turns that into an error of the one call, or of the
//! load.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limits of a container: version 2 and version 1 of control groups.
const FILES: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// The memory that this process may allocate: `bytes` if given, otherwise that of its container, or of the machine. None if the
/// system does not say how much that is.
#[must_use]
pub fn of(bytes: Option<u64>) -> Option<u64> {
    bytes.or_else(available)
}

/// Limits what this process may allocate from now on, as [`of`] says. Returns the limit. Fails if it is unknown, or if the system
/// refuses it.
pub fn apply(bytes: Option<u64>) -> Result<u64, String> {
    let bytes = of(bytes).ok_or("the memory of the container and of the machine are unknown")?;
    // The stacks of threads are reserved, and hardly used. They do not count.
    let reserved = kilobytes("/proc/self/status", "VmData:").ok_or("/proc/self/status has no VmData")?;
    let limit = Rlimit { current: Some(bytes.saturating_add(reserved)), ..getrlimit(Resource::Data) };
    setrlimit(Resource::Data, limit).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn available() -> Option<u64> {
    let machine = kilobytes("/proc/meminfo", "MemTotal:");
    let container = FILES.iter().find_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    container.into_iter().chain(machine).min()
}

/// The value of a line `name 1234 kB`, in bytes.
fn kilobytes(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}
