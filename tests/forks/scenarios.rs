//! POE's scenarios of signals and child processes, each under its name there.

use crate::Test;

pub const TESTS: &[Test] = &[];
