//! What the fuzz targets check: the same that the tests of `filters` check with the corpus.

#[path = "../../filters/checks/mod.rs"]
pub mod checks;
#[path = "../../filters/kinds.rs"]
pub mod kinds;
