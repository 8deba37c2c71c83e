use std::{sync::mpsc, time::Duration};

use bytes::Bytes;
use understudy_contract::probe::Proof;
use understudy_stats::Identity;

use super::*;
use crate::{
    batch::Batching,
    codec::response::Templates,
    error::Refusal,
    examples::Examples,
    exchange::Api,
    output::Output,
    proof::KnownProof,
    session::RunError,
    signature::{Port, Signature},
    tensor::{Data, Datatype, Tensor},
};

mod gather;

/// A stand-in for ONNX Runtime.
struct StandIn<F>(F);

impl<F: FnMut(&[Tensor]) -> Result<Vec<Output>, RunError> + Send> Session for StandIn<F> {
    fn run(&mut self, inputs: &[Tensor], _: Instant) -> Result<Vec<Output>, RunError> {
        self.0(inputs)
    }
}

fn model(latency: Duration) -> Model {
    let port = |name| Port::new(name, Datatype::Fp32, &[-1]);
    let signature = Arc::new(Signature { inputs: vec![port("x")], outputs: vec![port("y")] });
    Model {
        deployment: "fraud".to_owned(),
        identity: Arc::new(Identity { version: "1.0.0".to_owned(), digest: "sha256:0".to_owned() }),
        bytes: 0,
        opset: None,
        unpredictable: false,
        runtime_image: None,
        templates: Templates::new("fraud", "1.0.0", &signature),
        signature,
        features: None,
        probe_inputs: vec![Tensor { shape: vec![1], data: Data::Fp32(vec![0.0]) }],
        proof: KnownProof::new(Proof::Synthetic),
        examples: Examples::default(),
        latency,
        batching: None,
    }
}

fn engine(
    latency: Duration,
    run: impl FnMut(&[Tensor]) -> Result<Vec<Output>, RunError> + Send + 'static,
) -> Engine {
    serving(model(latency), 1, run)
}

fn serving(
    model: Model,
    queue: usize,
    run: impl FnMut(&[Tensor]) -> Result<Vec<Output>, RunError> + Send + 'static,
) -> Engine {
    let metrics = Arc::new(Metrics::new("fraud", "1.0.0", std::num::NonZeroUsize::MIN));
    let bounds = Bounds {
        queue,
        queue_wait: Duration::from_mins(1),
        queue_target: Duration::from_mins(1),
        run: Duration::from_mins(1),
        max_body: 1 << 20,
    };
    Engine::start(model, vec![Box::new(StandIn(run))], metrics, bounds).expect("a thread starts")
}

fn work(body: &'static str) -> Work {
    let message = Message { api: Api::Infer, body: Bytes::from_static(body.as_bytes()), ..Message::probe() };
    Work { message, reservation: None, traced: true }
}

const ONE: &str = r#"{"id":"a","inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}"#;
const FAST: Duration = Duration::ZERO;
const SLOW: Duration = Duration::from_secs(1);

fn doubled(inputs: &[Tensor]) -> Result<Vec<Output>, RunError> {
    let Data::Fp32(elements) = &inputs[0].data else {
        return Err(RunError::Failed("x is FP32".to_owned()));
    };
    let data = Data::Fp32(elements.iter().map(|element| element * 2.0).collect());
    Ok(vec![Tensor { shape: inputs[0].shape.clone(), data }.into()])
}

#[tokio::test]
async fn light_and_heavy_models_have_the_same_responses_and_traces() {
    for latency in [FAST, SLOW] {
        let Completion { response, trace, .. } = engine(latency, doubled).run(work(ONE)).await;
        let body = String::from_utf8(response.unwrap().body).unwrap();
        assert!(
            body.ends_with(r#""outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[2.0]}]}"#),
            "{body}"
        );
        let trace = trace.unwrap();
        assert_eq!((trace.id.as_deref(), trace.rows), (Some("a"), 1));
        assert_eq!(trace.inputs[0].data, Data::Fp32(vec![1.0]));
        assert_eq!(trace.outputs[0].data, Data::Fp32(vec![2.0]));
    }
}

#[tokio::test]
async fn what_the_model_rejects_is_the_callers_mistake_and_what_it_fails_on_is_not() {
    let failing = |error: RunError| engine(FAST, move |_| Err(error.clone()));
    let rejected = failing(RunError::Rejected("no".to_owned())).run(work(ONE)).await;
    assert_eq!(rejected.response, Err(Refusal::bad("the model rejected the input: no")));
    let failed = failing(RunError::Failed("no".to_owned())).run(work(ONE)).await;
    assert_eq!(failed.response, Err(Refusal::Backend("no".to_owned())));
    assert_eq!(failed.trace.unwrap().inputs.len(), 1, "the record of a failed call has its inputs");
}

#[tokio::test]
async fn a_request_that_finds_no_free_session_waits_for_one() {
    let (entered, entries) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let engine = Arc::new(engine(SLOW, move |inputs| {
        entered.send(()).unwrap();
        released.recv().unwrap();
        doubled(inputs)
    }));
    let run = || {
        tokio::spawn({
            let engine = Arc::clone(&engine);
            async move { engine.run(work(ONE)).await }
        })
    };
    let first = run();
    tokio::task::yield_now().await;
    entries.recv().unwrap();
    let second = run();
    tokio::task::yield_now().await;
    let third = engine.run(work(ONE)).await;
    assert_eq!(third.response, Err(Refusal::Busy("the queue is full")));
    release.send(()).unwrap();
    release.send(()).unwrap();
    for waiting in [first, second] {
        assert!(waiting.await.unwrap().response.is_ok());
    }
}

fn joining() -> Batching {
    Batching { inputs: vec![Some(0)], outputs: vec![0], rows: 4 }
}

fn doubled_unless_13(inputs: &[Tensor]) -> Result<Vec<Output>, RunError> {
    match &inputs[0].data {
        Data::Fp32(elements) if elements.contains(&13.0) => {
            Err(RunError::Rejected("13 is unlucky".to_owned()))
        }
        _ => doubled(inputs),
    }
}

/// Sends requests for these numbers, each in a task of its own.
fn send(engine: &Arc<Engine>, numbers: &[u32]) -> Vec<tokio::task::JoinHandle<Completion>> {
    let request = |number: &u32| {
        let body = ONE.replace("[1]}]", &format!("[{number}]}}]"));
        let message = Message { api: Api::Infer, body: Bytes::from(body), ..Message::probe() };
        let (engine, work) = (Arc::clone(engine), Work { message, reservation: None, traced: true });
        tokio::spawn(async move { engine.run(work).await })
    };
    numbers.iter().map(request).collect()
}

/// The first number of each answer. `None`: refused.
async fn numbers(sent: Vec<tokio::task::JoinHandle<Completion>>) -> Vec<Option<f32>> {
    let mut numbers = Vec::new();
    for sent in sent {
        numbers.push(doubled_number(&sent.await.unwrap()));
    }
    numbers
}

/// Runs of a stand-in that doubles numbers and rejects 13, one after the other as it is allowed to.
struct Runs {
    engine: Arc<Engine>,
    entries: mpsc::Receiver<usize>,
    release: mpsc::Sender<()>,
}

impl Runs {
    fn of_a_model_whose_requests_can_be_joined() -> Self {
        let (entered, entries) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let model = Model { batching: Some(joining()), ..model(SLOW) };
        let engine = Arc::new(serving(model, 16, move |inputs| {
            entered.send(inputs[0].data.len()).unwrap();
            released.recv().unwrap();
            doubled_unless_13(inputs)
        }));
        Self { engine, entries, release }
    }

    /// Sends requests for these numbers, and waits until they are in the queue or in a run.
    async fn send(&self, numbers: &[u32]) -> Vec<tokio::task::JoinHandle<Completion>> {
        let mut sent = Vec::new();
        for number in numbers {
            sent.extend(send(&self.engine, &[*number]));
            tokio::task::yield_now().await;
        }
        sent
    }

    /// Lets a run end, and returns its rows.
    fn ended(&self) -> usize {
        let rows = self.entries.recv().unwrap();
        self.release.send(()).unwrap();
        rows
    }
}

fn doubled_number(completion: &Completion) -> Option<f32> {
    let outputs = &completion.trace.as_ref()?.outputs;
    let Data::Fp32(elements) = &outputs.first()?.data else { return None };
    elements.first().copied()
}

#[tokio::test]
async fn requests_that_wait_share_a_run_and_each_gets_its_own_answer() {
    let runs = Runs::of_a_model_whose_requests_can_be_joined();
    let mut sent = runs.send(&[1]).await;
    let first = runs.entries.recv().unwrap();
    sent.extend(runs.send(&[2, 3, 4, 5, 6]).await);
    runs.release.send(()).unwrap();
    assert_eq!(
        [first, runs.ended(), runs.ended()],
        [1, 4, 1],
        "at most four rows, and nothing waits for more"
    );
    for (number, sent) in sent.into_iter().enumerate() {
        let completion = sent.await.unwrap();
        assert!(completion.response.is_ok());
        assert_eq!(doubled_number(&completion), Some(2.0 * (f32::from(u8::try_from(number).unwrap()) + 1.0)));
    }
}

#[tokio::test]
async fn a_row_that_the_model_rejects_fails_only_its_own_request() {
    let runs = Runs::of_a_model_whose_requests_can_be_joined();
    let first = runs.send(&[1]).await;
    runs.entries.recv().unwrap();
    let sent = runs.send(&[2, 13, 4]).await;
    runs.release.send(()).unwrap();
    assert_eq!([(); 4].map(|()| runs.ended()), [3, 1, 1, 1], "together, then each alone");
    let answers = numbers(first.into_iter().chain(sent).collect()).await;
    assert_eq!(answers, [Some(2.0), Some(4.0), None, Some(8.0)]);
}
