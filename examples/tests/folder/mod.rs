//! A folder of one test's own.

use std::fs;
use std::path::PathBuf;

/// It goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        fs::create_dir(&path).expect("a name of our own");
        Self(path)
    }

    pub(crate) fn at(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a plain name").to_owned()
    }

    pub(crate) fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).expect("our folder").next().is_none()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What a failed test left in it goes too.
        drop(fs::remove_dir_all(&self.0));
    }
}
