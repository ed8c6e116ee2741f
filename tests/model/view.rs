//! What can be seen of a kernel, in words.

use crate::op::{KERNEL, Who};

pub trait View {
    /// Who is alive, the eldest first.
    fn alive(&self) -> Vec<Who>;
    fn why(&self, who: Who) -> Option<String>;
    fn parent(&self, who: Who) -> Option<Who>;
    fn children(&self, who: Who) -> Vec<Who>;
    fn aliases(&self, who: Who) -> Option<Vec<String>>;
    /// What the kernel counts.
    fn counts(&self) -> String;
}

/// One session.
pub fn look(view: &dyn View, who: Who) -> String {
    let (why, parent) = (view.why(who), view.parent(who));
    let (children, aliases) = (view.children(who), view.aliases(who));
    format!("{who}: {why:?} of {parent:?} with {children:?} as {aliases:?}")
}

/// Everybody.
pub fn survey(view: &dyn View) -> String {
    let mut text = view.counts();
    for who in view.alive().into_iter().chain([KERNEL]) {
        text.push_str("\n    ");
        text.push_str(&look(view, who));
    }
    text
}
