//! What these tests are made of: wheels of their own.

mod family;
mod made;
mod reader;
mod threads;

pub use family::{Family, Member, deed, stay};
pub use made::{Made, made};
pub use reader::{Reader, pair};
pub use testkit::random::Random;
pub use threads::{Counted, Drops, real_stage, told};

use std::fmt::Write as _;

/// Fails when it is dropped.
pub struct Brittle;

impl Drop for Brittle {
    fn drop(&mut self) {
        fail("on purpose");
    }
}

/// Panics without a word on the terminal: it is expected.
pub fn fail(text: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(text))
}

/// A panic's text.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let mut text = String::new();
    if let Some(words) = panic.downcast_ref::<&str>() {
        text.push_str(words);
    } else if let Some(words) = panic.downcast_ref::<String>() {
        write!(text, "{words}").expect("a string takes all");
    }
    text
}
