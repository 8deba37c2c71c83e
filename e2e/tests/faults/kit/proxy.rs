//! The network between an operator and the API server, which a test can disturb. TLS passes through it unread.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Bytes pass.
    Passes,
    /// Open connections end, and new ones end as soon as they are accepted.
    Refused,
    /// Connections stay open and new ones are accepted, but no byte passes, as behind a firewall that drops packets.
    Dropped,
}

/// A TCP proxy on 127.0.0.1.
pub struct Proxy {
    port: u16,
    upstream: Arc<AtomicU16>,
    traffic: watch::Sender<Traffic>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy to this port of 127.0.0.1.
    pub async fn to(upstream: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let upstream = Arc::new(AtomicU16::new(upstream));
        let traffic = watch::Sender::new(Traffic::Passes);
        let task = tokio::spawn(accept(listener, Arc::clone(&upstream), traffic.subscribe()));
        Ok(Self { port, upstream, traffic, task })
    }

    /// Its port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// From now on connections are treated in this way, open ones and new ones.
    pub fn set(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }

    /// New connections go to this port of 127.0.0.1.
    pub fn redirect(&self, upstream: u16) {
        self.upstream.store(upstream, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, upstream: Arc<AtomicU16>, traffic: watch::Receiver<Traffic>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = SocketAddr::from(([127, 0, 0, 1], upstream.load(Ordering::SeqCst)));
        tokio::spawn(connection(client, server, traffic.clone()));
    }
}

/// One connection. An error or a refusal ends it, which closes both sides.
async fn connection(client: TcpStream, server: SocketAddr, mut traffic: watch::Receiver<Traffic>) {
    let mut refused = traffic.clone();
    let joined = async {
        traffic.wait_for(|t| *t == Traffic::Passes).await.ok()?;
        let server = TcpStream::connect(server).await.ok()?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::join!(
            forward(from_client, to_server, traffic.clone()),
            forward(from_server, to_client, traffic.clone())
        );
        Some(())
    };
    tokio::select! {
        _ = joined => {}
        _ = refused.wait_for(|t| *t == Traffic::Refused) => {}
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut traffic: watch::Receiver<Traffic>,
) -> Option<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer).await.ok()?;
        traffic.wait_for(|t| *t == Traffic::Passes).await.ok()?;
        if read == 0 {
            return to.shutdown().await.ok();
        }
        to.write_all(&buffer[..read]).await.ok()?;
    }
}
