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
        has_loops: false,
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

/// A light model that doubles numbers and rejects 13, and the rows of its runs, which are on this thread.
fn light_model_whose_requests_can_be_joined() -> (Arc<Engine>, mpsc::Receiver<usize>) {
    let (entered, entries) = mpsc::channel();
    let this_thread = std::thread::current().id();
    let model = Model { batching: Some(joining()), ..model(FAST) };
    let engine = serving(model, 16, move |inputs| {
        let is_here = std::thread::current().id() == this_thread;
        entered.send(if is_here { inputs[0].data.len() } else { 0 }).unwrap();
        doubled_unless_13(inputs)
    });
    (Arc::new(engine), entries)
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

#[tokio::test]
async fn light_requests_that_one_thread_finds_share_a_run_and_each_gets_its_own_answer() {
    let (engine, runs) = light_model_whose_requests_can_be_joined();
    let answers = numbers(send(&engine, &[1, 2, 3, 4, 5, 6])).await;
    assert_eq!(answers, [2.0, 4.0, 6.0, 8.0, 10.0, 12.0].map(Some));
    assert_eq!(runs.try_iter().collect::<Vec<_>>(), [4, 2], "at most four rows");
}

#[tokio::test]
async fn a_light_request_alone_waits_for_no_other() {
    let (engine, runs) = light_model_whose_requests_can_be_joined();
    for number in [1, 2] {
        assert!(numbers(send(&engine, &[number])).await[0].is_some());
    }
    assert_eq!(runs.try_iter().collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn a_light_row_that_the_model_rejects_fails_only_its_own_request() {
    let (engine, runs) = light_model_whose_requests_can_be_joined();
    assert_eq!(numbers(send(&engine, &[2, 13, 4])).await, [Some(4.0), None, Some(8.0)]);
    assert_eq!(runs.try_iter().collect::<Vec<_>>(), [3, 1, 1, 1], "together, then each alone");
}

#[tokio::test]
async fn a_light_request_with_more_rows_than_a_run_has_runs_alone() {
    let (engine, runs) = light_model_whose_requests_can_be_joined();
    let long = ONE.replace("[1],", "[5],").replace("[1]}]", "[9,9,9,9,9]}]");
    let message = Message { api: Api::Infer, body: Bytes::from(long), ..Message::probe() };
    let work = Work { message, reservation: None, traced: true };
    let large = Arc::clone(&engine);
    let mut sent = send(&engine, &[1]);
    sent.push(tokio::spawn(async move { large.run(work).await }));
    sent.extend(send(&engine, &[2]));
    assert_eq!(numbers(sent).await, [2.0, 18.0, 4.0].map(Some));
    assert_eq!(runs.try_iter().collect::<Vec<_>>(), [2, 5]);
}

#[tokio::test]
async fn a_light_request_whose_caller_has_gone_does_not_run() {
    let (engine, runs) = light_model_whose_requests_can_be_joined();
    tokio::select! {
        biased;
        _ = engine.run(work(ONE)) => unreachable!("it runs after those that have arrived"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(numbers(send(&engine, &[2])).await, [Some(4.0)]);
    assert_eq!(runs.try_iter().collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_light_request_whose_time_is_over_does_not_keep_the_others_from_sharing_a_run() {
    let (engine, runs) = light_model_whose_requests_can_be_joined();
    let body = Bytes::from_static(ONE.as_bytes());
    let message = Message { api: Api::Infer, body, timeout: Some(Duration::ZERO), ..Message::probe() };
    let work = Work { message, reservation: None, traced: true };
    let mut sent = send(&engine, &[1]);
    let late = Arc::clone(&engine);
    sent.push(tokio::spawn(async move { late.run(work).await }));
    sent.extend(send(&engine, &[2]));
    assert_eq!(numbers(sent).await, [Some(2.0), None, Some(4.0)]);
    assert_eq!(runs.try_iter().collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn light_requests_that_find_no_free_session_wait_for_one() {
    let (entered, entries) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let model = Model { batching: Some(joining()), ..model(FAST) };
    let engine = serving(model, 16, move |inputs| {
        entered.send(inputs[0].data.len()).unwrap();
        released.recv().unwrap();
        doubled(inputs)
    });
    let engine = Arc::new(engine);
    // Nobody has seen a body of this size run: it runs on the thread of the session.
    let large = format!("{ONE}{}", " ".repeat(8 << 10));
    let message = Message { api: Api::Infer, body: Bytes::from(large), ..Message::probe() };
    let first = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.run(Work { message, reservation: None, traced: true }).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(entries.recv(), Ok(1));
    let mut sent = vec![first];
    sent.extend(send(&engine, &[2, 3]));
    // They are gathered, and then in the queue.
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..2 {
        release.send(()).unwrap();
    }
    assert_eq!(numbers(sent).await, [2.0, 4.0, 6.0].map(Some));
    assert_eq!(entries.recv(), Ok(2), "the thread of the session joins them, too");
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
