// SPDX-License-Identifier: MIT

//! A worker on the crate `faktory`, as its README says to write one: what the bench compares ours
//! with. `worker SLOTS`; it runs until SIGTERM; FAKTORY_URL says where Faktory is.

use faktory::{Job, Worker};
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};

/// Results go somewhere, so that the work is not optimised away.
static SUM: AtomicI64 = AtomicI64::new(0);

fn run(job: &Job, op: fn(i64, i64) -> Option<i64>) -> io::Result<()> {
    let number = |name: &str| job.args().first().and_then(|x| x.get(name)).and_then(|x| x.as_i64());
    match (number("a"), number("b")) {
        (Some(a), Some(b)) => match op(a, b) {
            Some(n) => {
                SUM.fetch_add(n, Ordering::Relaxed);
                Ok(())
            }
            None => Err(io::Error::other("no result")),
        },
        _ => Err(io::Error::other("a and b expected")),
    }
}

#[tokio::main]
async fn main() {
    let slots = std::env::args().nth(1).map_or(Ok(20), |s| s.parse());
    let Ok(slots @ 1..) = slots else {
        eprintln!("usage: worker [SLOTS]");
        std::process::exit(2);
    };
    let mut worker = Worker::builder::<io::Error>()
        .workers(slots)
        .register_fn("math_add", |j| async move { run(&j, i64::checked_add) })
        .register_fn("math_subtract", |j| async move { run(&j, i64::checked_sub) })
        .register_fn("math_multiply", |j| async move { run(&j, i64::checked_mul) })
        .register_fn("math_divide", |j| async move { run(&j, i64::checked_div) })
        .connect()
        .await
        .expect("connect");
    if let Err(e) = worker.run(&["default"]).await {
        eprintln!("{e}");
        std::process::exit(1);
    }
}
