//! Light requests that share a run on the thread that reads them.

use super::*;

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
