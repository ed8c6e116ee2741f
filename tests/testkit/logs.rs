//! What was logged, by thread.
