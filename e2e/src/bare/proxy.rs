//! The network between an operator and the API server, which a test can disturb. TLS passes through it unread.

use std::{
    future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

use super::patience::DEADLINE;

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Bytes pass.
    Passes,
    /// Open connections end, and new ones end as soon as they are accepted.
    Refused,
    /// Connections stay open and new ones are accepted, but no byte passes, as behind a firewall that drops packets.
    Dropped,
    /// Each byte of the server arrives this much later.
    Delayed(Duration),
}

/// A TCP proxy on 127.0.0.1.
pub struct Proxy {
    port: u16,
    upstream: Arc<AtomicU16>,
    traffic: watch::Sender<Traffic>,
    /// Changes when the open connections become dead.
    dead: watch::Sender<()>,
    /// Connections that were accepted so far.
    accepted: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy to this port of 127.0.0.1.
    pub async fn to(upstream: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let upstream = Arc::new(AtomicU16::new(upstream));
        let traffic = watch::Sender::new(Traffic::Passes);
        let dead = watch::Sender::new(());
        let network = Network { traffic: traffic.subscribe(), dead: dead.subscribe() };
        let (count, accepted) = watch::channel(0);
        let task = tokio::spawn(accept(listener, Arc::clone(&upstream), network, count));
        Ok(Self { port, upstream, traffic, dead, accepted, task })
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// From now on connections are treated in this way, open ones and new ones.
    pub fn set(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }

    /// No byte passes on the open connections any more, and nothing closes them, as when a firewall forgets them. New
    /// connections are not affected.
    pub fn forget_connections(&self) {
        self.dead.send_replace(());
    }

    /// Waits until this many connections were accepted, also those that were refused then.
    pub async fn await_attempts(&self, count: usize) -> Result<()> {
        let mut accepted = self.accepted.clone();
        let Ok(waited) = timeout(DEADLINE, accepted.wait_for(|accepted| *accepted >= count)).await else {
            bail!("timed out: {} of {count} connections to the proxy", *self.accepted.borrow())
        };
        waited?;
        Ok(())
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

/// What a connection follows.
#[derive(Clone)]
struct Network {
    traffic: watch::Receiver<Traffic>,
    dead: watch::Receiver<()>,
}

impl Network {
    /// Waits until a byte may pass, which may be never.
    async fn passes(&mut self) -> Option<()> {
        self.traffic
            .wait_for(|traffic| matches!(traffic, Traffic::Passes | Traffic::Delayed(_)))
            .await
            .ok()?;
        if self.dead.has_changed().ok()? {
            future::pending::<()>().await;
        }
        Some(())
    }

    /// How much later a byte of the server arrives.
    fn delay(&self) -> Duration {
        match *self.traffic.borrow() {
            Traffic::Delayed(delay) => delay,
            _ => Duration::ZERO,
        }
    }
}

async fn accept(
    listener: TcpListener,
    upstream: Arc<AtomicU16>,
    network: Network,
    count: watch::Sender<usize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        count.send_modify(|count| *count += 1);
        let server = SocketAddr::from(([127, 0, 0, 1], upstream.load(Ordering::SeqCst)));
        let mut network = network.clone();
        network.dead.mark_unchanged();
        tokio::spawn(connection(client, server, network));
    }
}

/// One connection. An error or a refusal ends it, which closes both sides.
async fn connection(client: TcpStream, server: SocketAddr, mut network: Network) {
    let mut refused = network.traffic.clone();
    let joined = async {
        network.passes().await?;
        let server = TcpStream::connect(server).await.ok()?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::join!(
            forward(from_client, to_server, network.clone()),
            answer(from_server, to_client, network.clone())
        );
        Some(())
    };
    tokio::select! {
        _ = joined => {}
        _ = refused.wait_for(|traffic| *traffic == Traffic::Refused) => {}
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut network: Network) -> Option<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer).await.ok()?;
        network.passes().await?;
        if read == 0 {
            return to.shutdown().await.ok();
        }
        to.write_all(&buffer[..read]).await.ok()?;
    }
}

/// As [`forward`], with the delay. What is on its way does not hold up what follows.
async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut network: Network) -> Option<()> {
    let (sender, mut on_its_way) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let delays = network.clone();
    let read = async move {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = from.read(&mut buffer).await.ok()?;
            sender.send((Instant::now() + delays.delay(), buffer[..read].to_vec())).ok()?;
            if read == 0 {
                return Some(());
            }
        }
    };
    let write = async move {
        while let Some((arrives, bytes)) = on_its_way.recv().await {
            sleep_until(arrives).await;
            network.passes().await?;
            if bytes.is_empty() {
                return to.shutdown().await.ok();
            }
            to.write_all(&bytes).await.ok()?;
        }
        Some(())
    };
    let (_, written) = tokio::join!(read, write);
    written
}
