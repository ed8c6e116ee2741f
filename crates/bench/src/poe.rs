//! Perl's POE: whether it is there, and what there is of it.
//!
//! The programs on it are in `perl/`; Debian's package is `libpoe-perl`.

use std::process::{Command, Stdio};

use crate::process::Server;

/// An echo server of lines on `POE::Component::Server::TCP`.
pub const SERVER_TCP: Server = Server {
    name: "POE Server::TCP",
    path: concat!(env!("CARGO_MANIFEST_DIR"), "/perl/server_tcp.pl"),
    args: &[],
};

/// The versions of POE and Perl and the name of the event loop, or `None` if POE cannot be loaded.
#[must_use]
pub fn version() -> Option<String> {
    let mut perl = Command::new("perl");
    perl.args(["-MPOE=Component::Server::TCP", "-e", VERSION]).stderr(Stdio::null());
    let output = perl.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

/// Runs the kernel once, which otherwise warns that nobody did.
const VERSION: &str = r#"POE::Kernel->run(); printf "POE %s, Perl %vd, %s", $POE::VERSION, $^V,
    POE::Kernel->poe_kernel_loop();"#;
