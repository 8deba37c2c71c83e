//! The operator's binary as processes on a bare API server, without a node. A [`World`] is a namespace with a fake kubelet.
//! A test starts operators, and disturbs processes, connections, rights and objects.

mod acts;
mod control_plane;
mod garbage;
mod health;
mod kubelet;
mod log;
mod model_server;
mod operator;
mod patience;
mod proxy;
mod wait;
mod world;

pub(crate) use self::acts::create_object;
pub use self::{
    acts::{ALICE, BOB, CAROL, concurrently},
    control_plane::{ControlPlane, OPERATOR, RELEASE},
    kubelet::Kubelet,
    log::{Log, Logs},
    operator::{Operator, Setup},
    patience::{DEADLINE, eventually},
    proxy::{Proxy, Traffic},
    world::{World, in_a_world},
};
pub use crate::awaited::within;
