//! Descriptors and memory before and after.
