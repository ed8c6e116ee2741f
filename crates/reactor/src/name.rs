//! Event names as numbers.
//!
//! Owns every name that was ever used with this kernel. Promises that equal names get equal symbols
//! and that looking up a name which is a constant of the program costs a few nanoseconds. Never
//! forgets a name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::rc::Rc;

/// An event's name, as the number that one kernel gave it.
///
/// Made by [`Context::symbol`](crate::Context::symbol); meaningless to another kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Symbol(NonZeroU32);

impl Symbol {
    pub(crate) const START: Self = Self::nth(0);
    pub(crate) const STOP: Self = Self::nth(1);
    pub(crate) const DEFAULT: Self = Self::nth(2);
    pub(crate) const CHILD: Self = Self::nth(3);
    pub(crate) const PARENT: Self = Self::nth(4);
    pub(crate) const IDLE: Self = Self::nth(5);
    pub(crate) const ZOMBIE: Self = Self::nth(6);
    pub(crate) const DIE: Self = Self::nth(7);
    pub(crate) const LEAVE: Self = Self::nth(8);
    pub(crate) const GOTO_STATE: Self = Self::nth(9);

    /// Whether it names one of the kernel's own events, which nobody needs to handle.
    pub(crate) fn is_own(self) -> bool {
        self <= Self::PARENT
    }

    /// The symbol of the name that was the `index`th to be interned.
    const fn nth(index: u32) -> Self {
        match NonZeroU32::MIN.checked_add(index) {
            Some(number) => Self(number),
            None => panic!("more names than numbers"),
        }
    }

    #[inline(always)]
    pub(crate) const fn to_word(self) -> u32 {
        self.0.get()
    }

    #[inline(always)]
    pub(crate) const fn from_word(word: u32) -> Option<Self> {
        match NonZeroU32::new(word) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    #[inline]
    pub(crate) const fn index(self) -> usize {
        (self.0.get() - 1) as usize
    }
}

#[derive(Debug)]
pub(crate) struct Names {
    by_text: HashMap<Rc<str>, Symbol>,
    texts: Vec<Rc<str>>,
    /// The constants looked up last, by address. A `&'static str` never changes and is never freed, so
    /// the same address and length are the same text for ever.
    recent: [Recent; RECENT],
}

#[derive(Clone, Copy, Debug)]
struct Recent {
    address: usize,
    len: usize,
    symbol: Symbol,
}

impl Names {
    pub(crate) fn new() -> Self {
        let nowhere = Recent { address: 0, len: 0, symbol: Symbol::START };
        let mut names =
            Self { by_text: HashMap::new(), texts: Vec::new(), recent: [nowhere; RECENT] };
        for (text, symbol) in OWN {
            let interned = names.intern_text(text);
            debug_assert_eq!(interned, symbol, "the kernel's own names come first, in this order");
        }
        names
    }

    #[inline]
    pub(crate) fn intern(&mut self, name: Cow<'static, str>) -> Symbol {
        match name {
            Cow::Borrowed(text) => match self.recall(text) {
                Some(symbol) => symbol,
                None => self.intern_constant(text),
            },
            Cow::Owned(text) => self.intern_text(&text),
        }
    }

    /// The symbol of a constant that was looked up a short while ago.
    #[inline]
    pub(crate) fn recall(&self, text: &'static str) -> Option<Symbol> {
        let recent = self.recent[place(text)];
        let known = recent.address == text.as_ptr().addr() && recent.len == text.len();
        known.then_some(recent.symbol)
    }

    #[cold]
    #[inline(never)]
    fn intern_constant(&mut self, text: &'static str) -> Symbol {
        let symbol = self.intern_text(text);
        let (address, len) = (text.as_ptr().addr(), text.len());
        self.recent[place(text)] = Recent { address, len, symbol };
        symbol
    }

    /// The symbol of a name that was used already.
    pub(crate) fn find(&self, text: &str) -> Option<Symbol> {
        self.by_text.get(text).copied()
    }

    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.texts.get(symbol.index()).map_or("(another kernel's name)", |text| text)
    }

    /// The text, to be kept.
    pub(crate) fn shared(&self, symbol: Symbol) -> Rc<str> {
        match self.texts.get(symbol.index()) {
            Some(text) => Rc::clone(text),
            None => self.text(symbol).into(),
        }
    }

    #[cold]
    fn intern_text(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.by_text.get(text) {
            return *symbol;
        }
        let index = u32::try_from(self.texts.len()).expect("names fit in memory");
        let symbol = Symbol::nth(index);
        let text: Rc<str> = text.into();
        self.texts.push(Rc::clone(&text));
        self.by_text.insert(text, symbol);
        symbol
    }
}

/// Where a constant is remembered. The names of a program lie side by side as a rule, and so do these.
#[inline]
fn place(text: &'static str) -> usize {
    text.as_ptr().addr() % RECENT
}

/// How many constants are remembered by address. A program has some dozens of event names.
const RECENT: usize = 128;

/// The events and signals that the kernel itself sends.
const OWN: [(&str, Symbol); 10] = [
    ("_start", Symbol::START),
    ("_stop", Symbol::STOP),
    ("_default", Symbol::DEFAULT),
    ("_child", Symbol::CHILD),
    ("_parent", Symbol::PARENT),
    ("IDLE", Symbol::IDLE),
    ("ZOMBIE", Symbol::ZOMBIE),
    ("DIE", Symbol::DIE),
    ("leave", Symbol::LEAVE),
    ("_goto_state", Symbol::GOTO_STATE),
];
