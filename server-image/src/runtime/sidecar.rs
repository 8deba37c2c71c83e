//! The session of a model that another program runs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::runtime::{Builder, Runtime};

use super::{
    Endpoint,
    connection::{CallError, Connection, MAX_ANSWER},
    request, response,
};
use crate::{
    output::Output,
    session::{RunError, Session, Trial},
    signature::Signature,
    tensor::Tensor,
};

/// A call has at least this time: a program on the same node needs some to accept a connection.
const SHORTEST: Duration = Duration::from_millis(1);

/// One call at a time to the program, on a connection of its own.
pub struct Sidecar {
    /// The reactor of the connection. It runs only while a call waits.
    reactor: Option<Runtime>,
    connection: Connection,
    path: String,
    binary: bool,
    signature: Arc<Signature>,
}

impl Sidecar {
    /// A session for a model with this signature. `binary` says whether tensors go in binary. Fails if the system has no
    /// resources for a reactor.
    pub fn new(endpoint: &Endpoint, signature: Arc<Signature>, binary: bool) -> std::io::Result<Self> {
        Ok(Self {
            reactor: Some(Builder::new_current_thread().enable_all().build()?),
            connection: Connection::new(endpoint.port),
            path: format!("/v2/models/{}/infer", endpoint.model),
            binary,
            signature,
        })
    }

    fn call(
        &mut self,
        inputs: &[Tensor],
        signature: &Signature,
        until: Instant,
    ) -> Result<Vec<Output>, RunError> {
        let Self { reactor: Some(reactor), connection, path, binary, .. } = self else {
            return Err(RunError::Failed("the session has ended".to_owned()));
        };
        let outgoing = request::write(path, inputs, signature, *binary)?;
        let left = until.saturating_duration_since(Instant::now()).max(SHORTEST);
        let reply = reactor.block_on(async {
            let answered = tokio::time::timeout(left, connection.call(&outgoing, MAX_ANSWER)).await;
            answered.map_err(|_| RunError::Stopped)?.map_err(|error| match error {
                CallError::Unreachable(_) => {
                    RunError::Unavailable("the image of spec.runtime does not answer")
                }
                CallError::Broken(what) => RunError::Broken(what),
            })
        })?;
        response::read(&reply, signature)
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        // It may be dropped by a task, where nothing may block.
        if let Some(reactor) = self.reactor.take() {
            reactor.shutdown_background();
        }
    }
}

impl Session for Sidecar {
    fn run(&mut self, inputs: &[Tensor], until: Instant) -> Result<Vec<Output>, RunError> {
        let signature = Arc::clone(&self.signature);
        self.call(inputs, &signature, until)
    }
}

impl Trial for Sidecar {
    fn attempt(&mut self, inputs: &[Tensor], until: Instant) -> Result<(), RunError> {
        self.run(inputs, until).map(drop)
    }

    fn first(
        &mut self,
        inputs: &[Tensor],
        signature: &mut Signature,
        until: Instant,
    ) -> Result<Vec<Output>, RunError> {
        self.call(inputs, signature, until)
    }

    fn answer(
        &mut self,
        inputs: &[Tensor],
        signature: &Signature,
        until: Instant,
    ) -> Result<Vec<Output>, RunError> {
        self.call(inputs, signature, until)
    }

    fn dimension_names(&self) -> Vec<Vec<String>> {
        self.signature.inputs.iter().map(|port| vec![String::new(); port.shape.len()]).collect()
    }
}
