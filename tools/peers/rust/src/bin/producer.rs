// SPDX-License-Identifier: MIT

//! A producer on the crate `faktory`: `producer JOBS BATCH CONNECTIONS`. BATCH 1 sends PUSH, more
//! sends PUSHB. Prints one line: jobs, refused and seconds from the first command to the last answer.

use faktory::{Client, Error, Job};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Instant;

fn make_job(n: u64) -> Job {
    let argument = serde_json::json!({"a": n, "b": 2, "request_id": null});
    let mut job = Job::new("math_add", vec![argument]);
    job.reserve_for = Some(std::time::Duration::from_secs(600));
    job
}

/// Takes ranges of jobs until none is left; how many were refused.
async fn produce(mut client: Client, next: Arc<AtomicU64>, jobs: u64, batch: u64) -> Result<usize, Error> {
    let mut refused = 0;
    loop {
        let from = next.fetch_add(batch, Ordering::Relaxed);
        if from >= jobs {
            return Ok(refused);
        }
        if batch == 1 {
            client.enqueue(make_job(from)).await?;
            continue;
        }
        let list: Vec<Job> = (from..jobs.min(from + batch)).map(make_job).collect();
        refused += client.enqueue_many(list).await?.1.map_or(0, |errors| errors.len());
    }
}

#[tokio::main]
async fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|s| s.parse().ok()).collect();
    let (&[jobs, batch, connections], true) = (&numbers[..], !numbers.contains(&0)) else {
        eprintln!("usage: producer JOBS BATCH CONNECTIONS");
        std::process::exit(2);
    };
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::connect().await.expect("connect"));
    }
    let (next, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|client| tokio::spawn(produce(client, next.clone(), jobs, batch)))
        .collect();
    let mut refused = 0;
    for task in tasks {
        refused += task.await.expect("task").expect("push");
    }
    println!("jobs={jobs} refused={refused} seconds={:.6}", start.elapsed().as_secs_f64());
}
