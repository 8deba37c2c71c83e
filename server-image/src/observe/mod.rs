//! What becomes of a call after main's answer is on its way: the copy to the challenger, the comparison, the record
//! and the look for drift. Nothing here can fail, slow or block an answer.

pub mod call;
