//! The API types of Understudy.
