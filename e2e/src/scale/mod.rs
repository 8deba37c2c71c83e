//! Many models on an API server with the nodes of kwok, which `e2e/cluster/scale` starts. A [`Fleet`] is the models, the
//! [`Audit`] is what the API server has recorded of the operator's writes, and the [`Responder`] answers for pods and
//! Services.

mod audit;
mod controllers;
mod fleet;
mod progress;
mod promotion;
mod replay;
mod responder;

pub use self::{
    audit::{Audit, Write},
    controllers::Paused,
    fleet::{Fleet, VERSIONS},
    progress::{Looked, await_looked_at, await_quiet, passes},
    promotion::promote_and_time,
    replay::replay,
    responder::Responder,
};
