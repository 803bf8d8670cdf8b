//! The file: what outlives its handle and its process.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use marque_embedded::{Embedded, EmbeddedError};

use crate::support::{create_table, n, put, value};

async fn filled(path: &Path) -> Embedded {
    let embedded = Embedded::open(path).unwrap();
    let client = embedded.client();
    create_table(&client).await;
    put(&client, "a", "1", 1).send().await.unwrap();
    embedded
}

#[tokio::test]
async fn a_dropped_database_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("marque.db");
    drop(filled(&path).await);
    let client = Embedded::open(&path).unwrap().client();
    assert_eq!(value(&client, "a", "1").await, Some(n(1)));
}

#[tokio::test]
async fn nothing_waits_for_a_clean_close() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("marque.db");
    std::mem::forget(filled(&path).await);
    let client = Embedded::open(&path).unwrap().client();
    assert_eq!(value(&client, "a", "1").await, Some(n(1)));
    put(&client, "a", "1", 2).send().await.unwrap();
    assert_eq!(value(&client, "a", "1").await, Some(n(2)));
}

#[tokio::test]
async fn a_killed_process_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("marque.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "file::write_until_killed", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(path.to_str().unwrap().as_bytes()).unwrap();

    let acknowledged = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .filter_map(|line| line.unwrap().strip_prefix("acknowledged ").map(|i| i.parse::<i64>().unwrap()))
        .find(|&i| i >= 50)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();

    let client = Embedded::open(&path).unwrap().client();
    for i in 0..=acknowledged {
        assert_eq!(value(&client, "a", &i.to_string()).await, Some(n(i)));
    }
}

/// The child of the test above: writes to the file that it is told of, and says so, for as long as it lives.
#[tokio::test]
#[ignore = "runs until it is killed"]
async fn write_until_killed() {
    let mut path = String::new();
    std::io::stdin().read_to_string(&mut path).unwrap();
    let client = Embedded::open(Path::new(&path)).unwrap().client();
    create_table(&client).await;
    // Ends by itself should the parent be gone: nobody reads the lines then, and printing fails.
    for i in 0.. {
        put(&client, "a", &i.to_string(), i).send().await.unwrap();
        println!("\nacknowledged {i}");
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "these are not the bytes of a database, however long they may be").unwrap();
    assert!(matches!(Embedded::open(&path), Err(EmbeddedError::Database(_))));
}
