//! The objects of a `ModelDeployment`, one file for each kind. Pure.

mod budget;
mod config_map;
mod metadata;
mod routing;
mod runtime;
mod service;
mod template;
mod volumes;
mod workload;

pub use budget::budget;
#[cfg(test)]
pub use config_map::hash;
pub use config_map::{config_map, edition};
pub use routing::routing;
pub use service::{
    Answering, challenger_service, is_switched, main_service, peers_service, same_callers, selects,
    version_service,
};
pub use template::{Origin, bytes, image, operator_hash, set_image};
pub use workload::workload;

#[cfg(test)]
mod golden_tests;
