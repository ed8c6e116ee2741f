//! Connects on tokio's current-thread runtime, in its usual style. To be compared with.

#![forbid(unsafe_code)]

use std::io;

use bench::connect_load::Errand;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

fn main() -> io::Result<()> {
    Errand::perform(|errand| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(run(errand))
    })
}

async fn run(errand: Errand) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    for task in 0..errand.at_once {
        // The connections are shared out among as many tasks as there may be at once.
        let share = errand.connections / errand.at_once
            + u64::from(task < errand.connections % errand.at_once);
        tasks.spawn(connect(errand, share));
    }
    tasks.join_all().await.into_iter().collect()
}

async fn connect(errand: Errand, connections: u64) -> io::Result<()> {
    for _ in 0..connections {
        let stream = TcpStream::connect(errand.address).await?;
        stream.peer_addr()?;
    }
    Ok(())
}
