//! A server of `/metrics`, `/livez` and `/readyz`, which the API server's proxy reaches as a pod of the operator.

use std::{
    io::{BufRead, BufReader, Write},
    net::{IpAddr, TcpListener, TcpStream, UdpSocket},
    sync::{Arc, Mutex},
    thread,
};

/// The pages of one pod. They are served until the test process ends.
pub struct Pages {
    pub address: IpAddr,
    pub port: u16,
    metrics: Arc<Mutex<String>>,
}

impl Pages {
    /// Serves these metrics on an address of this machine. The API server refuses to proxy to loopback addresses.
    pub fn serve(metrics: String) -> Self {
        let address = own_address();
        let listener = TcpListener::bind((address, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let metrics = Arc::new(Mutex::new(metrics));
        let served = Arc::clone(&metrics);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let served = Arc::clone(&served);
                thread::spawn(move || answer(&connection.unwrap(), &served));
            }
        });
        Self { address, port, metrics }
    }

    /// Changes the metrics.
    pub fn replace(&self, from: &str, to: &str) {
        let mut metrics = self.metrics.lock().unwrap();
        assert!(metrics.contains(from), "{metrics}");
        *metrics = metrics.replace(from, to);
    }
}

fn answer(mut stream: &TcpStream, metrics: &Mutex<String>) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    let mut line = String::new();
    reader.read_line(&mut first).unwrap_or_default();
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        line.clear();
    }
    let body = if first.contains("/metrics") { metrics.lock().unwrap().clone() } else { "ok".to_owned() };
    // The API server may close the connection first.
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// The address from which this machine would call another one. Nothing is sent.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").expect("this machine has an address that is not loopback");
    socket.local_addr().unwrap().ip()
}

/// The metrics of a pod that leads, or of a standby.
pub fn metrics(leads: bool) -> String {
    let one = u8::from(leads);
    let mut lines = vec!["# TYPE understudy_leader gauge".to_owned(), format!("understudy_leader {one}")];
    for kind in ["ModelVersion", "ModelDeployment", "Deployment", "Service", "ConfigMap", "Pod"] {
        lines.push(format!("understudy_cache_synced{{kind=\"{kind}\"}} {one}"));
        lines.push(format!("understudy_watch_last_event_seconds{{kind=\"{kind}\"}} 7"));
    }
    for name in ["modelversion", "modeldeployment"] {
        lines.push(format!("understudy_workqueue_depth{{name=\"{name}\"}} 0"));
        lines.push(format!("understudy_workqueue_oldest_seconds{{name=\"{name}\"}} 0"));
    }
    lines.push(format!("understudy_approval_policy_active{{watched_namespace=\"\"}} {one}"));
    lines.join("\n") + "\n"
}
