//! What answers at the address of a fake pod: the operator's probe, and nothing else.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result};
use axum::{Json, Router, routing::get};
use rand::RngExt as _;
use tokio::{net::TcpListener, task::JoinHandle};
use understudy_contract::{
    ProbeAnswer, paths, ports,
    probe::{Signature, Tensor},
};
use understudy_crds::ModelVersion;

/// A fake model server. It ends when this is dropped.
pub struct ModelServer {
    address: Ipv4Addr,
    task: JoinHandle<()>,
}

impl ModelServer {
    /// Answers as this version with this many inputs, at a loopback address of its own.
    pub async fn start(version: &ModelVersion, inputs: usize) -> Result<Self> {
        let answer = answer(version, inputs);
        let probe = move || std::future::ready(Json(answer.clone()));
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
    let tensor = |name| Tensor { name, datatype: "FP32".to_owned(), shape: vec![-1, 30] };
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
    }
}
