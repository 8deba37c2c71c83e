//! The real binary, with an API server that answers from a table.

mod api_server;
mod closed_output;
mod name_stamp;
