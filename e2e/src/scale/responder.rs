//! What answers at the addresses of all pods and Services: the operator's probe. A pod is known by the address that was
//! called, a Service by its name.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::{ConnectInfo, State, connect_info::Connected},
    http::{HeaderMap, StatusCode, header},
    routing::get,
    serve::IncomingStream,
};
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use tokio::{net::TcpListener, task::JoinSet};
use understudy_contract::{
    ProbeAnswer, paths, ports,
    probe::{Proof, Signature, Tensor},
};
use understudy_crds::names;

use super::fleet::{Fleet, VERSIONS};

/// A pod or Service that is not known yet may be known after this time.
const PACE: Duration = Duration::from_millis(5);
const ATTEMPTS: usize = 100;

/// Answers until it is dropped.
pub struct Responder(#[expect(dead_code, reason = "its tasks end when it is dropped")] JoinSet<()>);

/// The labels of what is called, by address of a pod and by name of a Service.
#[derive(Clone, Default)]
struct Known(Arc<Mutex<HashMap<String, (String, String)>>>);

impl Known {
    fn learn(&self, called: String, labels: Option<&std::collections::BTreeMap<String, String>>) {
        let label = |key: &str| labels.and_then(|labels| labels.get(key)).cloned();
        let Some((model, version)) = label(names::DEPLOYMENT_LABEL).zip(label(names::VERSION_LABEL)) else {
            return;
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(called, (model, version));
    }

    async fn find(&self, called: &str) -> Option<(String, String)> {
        for _ in 0..ATTEMPTS {
            let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(called).cloned();
            if found.is_some() {
                return found;
            }
            tokio::time::sleep(PACE).await;
        }
        None
    }
}

/// The address that a connection was made to.
#[derive(Clone)]
struct Called(Option<IpAddr>);

impl Connected<IncomingStream<'_, TcpListener>> for Called {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(stream.io().local_addr().ok().map(|address| address.ip()))
    }
}

impl Responder {
    /// Answers for the pods and Services of these models.
    pub async fn of(fleet: &Fleet) -> Result<Self> {
        let known = Known::default();
        let mut tasks = JoinSet::new();
        let (to_pods, to_services) = (known.clone(), known.clone());
        let pods = watch(fleet.api::<Pod>());
        tasks.spawn(pods.for_each(move |pod| {
            let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
            if let Some(address) = address {
                to_pods.learn(address, Some(pod.labels()));
            }
            std::future::ready(())
        }));
        let services = watch(fleet.api::<Service>());
        tasks.spawn(services.for_each(move |service| {
            let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
            let name = format!("{}.{}.svc", service.name_any(), service.namespace().unwrap_or_default());
            to_services.learn(name, selector);
            std::future::ready(())
        }));
        for (port, by_name) in [(ports::DIRECT, false), (80, true)] {
            let address = SocketAddr::from(([0, 0, 0, 0], port));
            let listener = TcpListener::bind(address).await;
            let listener = listener.with_context(|| format!("failed to listen on port {port}"))?;
            let router = Router::new().route(paths::PROBE, if by_name { get(service) } else { get(pod) });
            let service = router.with_state(known.clone()).into_make_service_with_connect_info::<Called>();
            tasks.spawn(async move {
                if let Err(error) = axum::serve(listener, service).await {
                    eprintln!("the responder does not answer any more: {error}");
                }
            });
        }
        Ok(Self(tasks))
    }
}

fn watch<K: crate::awaited::Awaited>(api: Api<K>) -> impl Stream<Item = K> + Send {
    let ours = format!("{}={}", names::MANAGED_BY.0, names::MANAGED_BY.1);
    let changes = watcher(api, watcher::Config::default().labels(&ours)).default_backoff();
    changes.applied_objects().filter_map(|changed| std::future::ready(changed.ok()))
}

async fn pod(
    State(known): State<Known>,
    ConnectInfo(Called(address)): ConnectInfo<Called>,
) -> Result<Json<ProbeAnswer>, StatusCode> {
    answer(&known, &address.map(|address| address.to_string()).unwrap_or_default()).await
}

async fn service(State(known): State<Known>, headers: HeaderMap) -> Result<Json<ProbeAnswer>, StatusCode> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    answer(&known, host.unwrap_or_default()).await
}

async fn answer(known: &Known, called: &str) -> Result<Json<ProbeAnswer>, StatusCode> {
    let (deployment, label) = known.find(called).await.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let mut numbers = (0..VERSIONS).map(Fleet::number);
    let version = numbers.find(|number| names::version_label(number) == label);
    let version = version.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let tensor = |name: &str| Tensor {
        name: name.to_owned(),
        datatype: "FP32".to_owned(),
        shape: vec![-1, 30],
        any_shape: false,
    };
    Ok(Json(ProbeAnswer {
        digest: format!("sha256:{}", Fleet::digest(&deployment, &version)),
        deployment,
        version,
        model: Signature {
            inputs: vec![tensor("input")],
            outputs: vec![tensor("score")],
            opset: 21,
            bytes: 3411,
        },
        latency_micros: 70,
        proof: Proof::Synthetic,
        runtime_image: None,
    }))
}
