//! The corpus of the fuzz targets, without a fuzzer.
//!
//! What is found to break a check goes there too, under a name that says what it was.

use std::fs;
use std::path::Path;

use crate::checks;

#[test]
fn every_case_of_the_corpus_of_blocks_holds() {
    each_of("block", checks::block::check);
}

#[test]
fn every_case_of_the_corpus_of_http_holds() {
    each_of("http", checks::http::check);
}

#[test]
fn every_case_of_the_corpus_of_lines_holds() {
    each_of("line", checks::line::check);
}

#[test]
fn every_case_of_the_corpus_of_values_holds() {
    each_of("reference", checks::reference::check);
}

#[test]
fn every_case_of_the_corpus_of_series_holds() {
    each_of("stack", checks::stack::check);
}

/// Its name is printed if one fails.
fn each_of(target: &str, check: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut checked = 0;
    for entry in fs::read_dir(corpus).expect("there is a corpus") {
        let path = entry.expect("it can be read").path();
        println!("{}", path.display());
        check(&fs::read(&path).expect("a case can be read"));
        checked += 1;
    }
    assert!(checked > 0, "an empty corpus");
}
