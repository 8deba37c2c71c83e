//! The measured processes. Each ends with the value that stands for it, and with this process.

mod null;
mod peer;
mod server;

use std::process::{Child, ChildStderr, Command};

pub use null::{Null, serve};
pub use peer::Peer;
use rustix::process::{Pid, Signal, kill_process};
pub use server::Server;

/// A process that was started here.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display())))
    }

    fn take_stderr(&mut self) -> ChildStderr {
        self.0.stderr.take().expect("stderr is piped")
    }

    /// Resident memory.
    fn resident_mb(&self) -> f64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux reports VmRSS");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("VmRSS is in kB");
        kib / 1024.0
    }

    /// Asks it to end, and waits until it has: then it has ended its own processes, too.
    fn end(&mut self) {
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody uses.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
