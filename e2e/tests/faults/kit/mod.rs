//! The parts of the fault tests. A test has a [`World`]: a namespace with a fake kubelet. It starts operators as
//! processes of their own, and disturbs processes, connections, rights and objects.

mod acts;
mod control_plane;
mod garbage;
mod health;
mod kubelet;
mod log;
mod model_server;
mod operator;
mod proxy;
mod wait;
mod world;

pub use self::{
    acts::{BOB, CAROL, concurrently},
    operator::Operator,
    proxy::{Proxy, Traffic},
    wait::{eventually, within},
    world::{World, in_a_world},
};
