//! Tests of the real binary, with an API server that responds from a table.

mod acts;
mod api_server;
mod closed_output;
mod name_stamp;
mod no_cluster;
