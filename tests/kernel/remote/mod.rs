//! Posts from other threads: floods, ends, fates of payloads, kernels that talk to each other.

mod delivery;
mod ends;
mod flood;
mod kernels;
