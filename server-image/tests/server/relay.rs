//! An address whose target can change, like a Service with a new selector: open connections keep their target.

use std::{
    io::copy,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// Relays connections to its current target.
pub struct Relay {
    pub address: SocketAddr,
    to: Arc<Mutex<Option<SocketAddr>>>,
}

impl Relay {
    pub fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let to = Arc::new(Mutex::new(Some(to)));
        let now = Arc::clone(&to);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let Some(to) = *now.lock().unwrap() else { return };
                relay(&caller.unwrap(), &TcpStream::connect(to).unwrap());
            }
        });
        Self { address, to }
    }

    /// Changes the target of new connections.
    pub fn switch_to(&self, to: SocketAddr) {
        *self.to.lock().unwrap() = Some(to);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        *self.to.lock().unwrap() = None;
        // The thread checks the target at the next connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn relay(caller: &TcpStream, server: &TcpStream) {
    for (from, into) in [(caller, server), (server, caller)] {
        let (mut from, mut into) = (from.try_clone().unwrap(), into.try_clone().unwrap());
        std::thread::spawn(move || {
            // An error or the end of one direction ends the other.
            let _ = copy(&mut from, &mut into);
            let _ = into.shutdown(Shutdown::Write);
        });
    }
}
