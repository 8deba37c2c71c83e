//! Pods and Services whose part a test plays: they answer probes over real HTTP on a loopback port.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, Router, extract::State, http::StatusCode};
use tokio::{net::TcpListener, sync::Notify};
use understudy_contract::{
    ProbeAnswer, paths,
    probe::{self, Proof},
};

use crate::{fixtures::digest, model_server::probe::Prober};

/// What answers at each host: `10.0.0.7:8082` for a pod, `fraud.risk.svc` for a Service.
#[derive(Clone)]
pub struct Pods {
    url: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    answers: BTreeMap<String, (String, String)>,
    proofs: BTreeMap<String, Proof>,
    silent: BTreeMap<String, Arc<Notify>>,
    probed: Vec<String>,
}

impl Pods {
    /// No host answers yet. The pods end with the runtime of the test.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::default();
        let router = Router::new()
            .route(&format!("/{{host}}{}", paths::PROBE), axum::routing::get(answer))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// A prober that reaches them.
    pub fn prober(&self) -> Prober {
        Prober::through(&self.url)
    }

    /// Makes `host` answer as the version `number`, with the bytes of the version `bytes`.
    pub fn answer(&self, host: &str, number: &str, bytes: &str) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.answers.insert(host.to_owned(), (number.to_owned(), digest(bytes)));
    }

    /// Makes `host` report this about whether its model answers. Without it, synthetic inputs worked.
    pub fn report(&self, host: &str, proof: Proof) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).proofs.insert(host.to_owned(), proof);
    }

    /// Makes `host` answer nothing any more.
    pub fn forget(&self, host: &str) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).answers.remove(host);
    }

    /// Makes `host` take requests and answer none of them, until the returned notification.
    pub fn silence(&self, host: &str) -> Arc<Notify> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shared.silent.entry(host.to_owned()).or_default())
    }

    /// The hosts that were probed since the last call, sorted.
    pub fn probed(&self) -> Vec<String> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let mut probed = std::mem::take(&mut shared.probed);
        probed.sort();
        probed
    }
}

async fn answer(
    State(shared): State<Arc<Mutex<Shared>>>,
    axum::extract::Path(host): axum::extract::Path<String>,
) -> Result<Json<ProbeAnswer>, StatusCode> {
    let silent = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.probed.push(host.clone());
        shared.silent.get(&host).cloned()
    };
    if let Some(silent) = silent {
        silent.notified().await;
    }
    let shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let (version, digest) = shared.answers.get(&host).cloned().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let model = probe::Signature { inputs: vec![], outputs: vec![], opset: 17, bytes: 1 };
    Ok(Json(ProbeAnswer {
        deployment: "fraud".to_owned(),
        version,
        digest,
        model,
        latency_micros: 12,
        proof: shared.proofs.get(&host).cloned().unwrap_or_default(),
        runtime_image: None,
    }))
}
