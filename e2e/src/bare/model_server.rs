//! What answers at the address of a fake pod: the operator's probe, and nothing else.

use std::{
    future,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use axum::{Json, Router, http::StatusCode, routing::get};
use rand::RngExt as _;
use tokio::{net::TcpListener, task::JoinHandle};
use understudy_contract::{
    ProbeAnswer, paths, ports,
    probe::{Proof, Signature, Tensor},
};
use understudy_crds::ModelVersion;

/// How a fake model server answers probes.
#[derive(Clone, Copy, Debug)]
pub struct Behavior {
    /// Number of inputs of the model.
    pub inputs: usize,
    /// How many probes fail before one succeeds.
    pub failures: usize,
    /// Whether probes get no answer at all, as behind a firewall that drops packets.
    pub is_silent: bool,
}

impl Default for Behavior {
    fn default() -> Self {
        Self { inputs: 1, failures: 0, is_silent: false }
    }
}

/// A fake model server. It ends when this is dropped.
pub struct ModelServer {
    address: Ipv4Addr,
    task: JoinHandle<()>,
}

impl ModelServer {
    /// Answers as this version, at a loopback address of its own.
    pub async fn start(version: &ModelVersion, behavior: Behavior) -> Result<Self> {
        let answer = answer(version, behavior.inputs);
        let probes = Arc::new(AtomicUsize::new(0));
        let probe = move || {
            let earlier = probes.fetch_add(1, Ordering::Relaxed);
            let answered = if earlier < behavior.failures {
                Err(StatusCode::SERVICE_UNAVAILABLE)
            } else {
                Ok(Json(answer.clone()))
            };
            async move {
                if behavior.is_silent {
                    future::pending::<()>().await;
                }
                answered
            }
        };
        let router = Router::new().route(paths::PROBE, get(probe));
        for _ in 0..100 {
            let address: [u8; 3] = rand::rng().random();
            let address = Ipv4Addr::new(127, address[0].max(1), address[1], address[2].clamp(1, 254));
            // Another test may have the address.
            let Ok(listener) = TcpListener::bind((address, ports::DIRECT)).await else { continue };
            let task = tokio::spawn(async move {
                axum::serve(listener, router).await.expect("a listener on loopback accepts");
            });
            return Ok(Self { address, task });
        }
        None.with_context(|| {
            format!(
                "no loopback address has port {} free: does something listen on all addresses?",
                ports::DIRECT
            )
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> IpAddr {
        IpAddr::V4(self.address)
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(version: &ModelVersion, inputs: usize) -> ProbeAnswer {
    let tensor = |name| Tensor { name, datatype: "FP32".to_owned(), shape: vec![-1, 30], any_shape: false };
    ProbeAnswer {
        deployment: version.spec.deployment.clone(),
        version: version.spec.version.clone(),
        digest: version.spec.artifact.digest(),
        model: Signature {
            inputs: (0..inputs).map(|n| tensor(format!("input-{n}"))).collect(),
            outputs: vec![tensor("score".to_owned())],
            opset: 21,
            bytes: 3411,
        },
        latency_micros: 70,
        proof: Proof::Synthetic,
        runtime_image: version.spec.runtime.as_ref().map(|runtime| runtime.image.clone()),
    }
}
