//! What these tests are made of: wheels of their own.

mod made;
mod reader;

pub use made::{Made, made};
pub use reader::{Reader, pair};
pub use testkit::random::Random;

use std::fmt::Write as _;

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
