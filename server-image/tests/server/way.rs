//! An address that leads elsewhere from one moment on, as a Service does whose selector changes: connections that are
//! there stay where they are.

use std::{
    io::copy,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// The address, and where it leads now.
pub struct Way {
    pub address: SocketAddr,
    to: Arc<Mutex<Option<SocketAddr>>>,
}

impl Way {
    pub fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let to = Arc::new(Mutex::new(Some(to)));
        let now = Arc::clone(&to);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let Some(to) = *now.lock().unwrap() else { return };
                lead(&caller.unwrap(), &TcpStream::connect(to).unwrap());
            }
        });
        Self { address, to }
    }

    /// New connections go there.
    pub fn leads_to(&self, to: SocketAddr) {
        *self.to.lock().unwrap() = Some(to);
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        *self.to.lock().unwrap() = None;
        // The listener looks when somebody comes.
        let _ = TcpStream::connect(self.address);
    }
}

fn lead(caller: &TcpStream, server: &TcpStream) {
    for (from, into) in [(caller, server), (server, caller)] {
        let (mut from, mut into) = (from.try_clone().unwrap(), into.try_clone().unwrap());
        std::thread::spawn(move || {
            // Whoever hangs up first ends both ways.
            let _ = copy(&mut from, &mut into);
            let _ = into.shutdown(Shutdown::Write);
        });
    }
}
