//! Clients of the endpoint that are well and that are not.

use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::*;

struct Served {
    _directory: tempfile::TempDir,
    path: PathBuf,
    _endpoint: Endpoint,
    questions: mpsc::Receiver<Question>,
}

fn serve_one(limits: Limits) -> Served {
    let directory = tempfile::Builder::new()
        .prefix("heddle-endpoint-")
        .tempdir()
        .unwrap();
    let path = directory.path().join("agent.sock");
    let listener = Listener::Unix(UnixListener::bind(&path).unwrap());
    let (endpoint, questions) = Endpoint::start(vec![listener], limits);
    Served {
        _directory: directory,
        path,
        _endpoint: endpoint,
        questions,
    }
}

/// Nobody waits long here.
fn short() -> Limits {
    Limits {
        loop_patience: Duration::from_millis(50),
        request_patience: Duration::from_millis(50),
        connection_patience: Duration::from_millis(100),
        ..Limits::default()
    }
}

async fn ask(path: PathBuf, request: &'static str) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

const STATUS: &str = "GET /status HTTP/1.1\r\nhost: x\r\n\r\n";

/// Answers questions for ever and counts them.
async fn answer_all(questions: &mut mpsc::Receiver<Question>, asked: &mut usize) {
    while let Some(question) = questions.recv().await {
        *asked += 1;
        let status = Status {
            host: Some(format!("h{asked}")),
            ..Status::default()
        };
        let _ = question.send(Arc::new(status));
    }
}

#[tokio::test]
async fn answers_what_it_knows_and_refuses_the_rest() {
    let mut served = serve_one(Limits::default());
    let mut asked = 0;
    let path = &served.path;
    let checks = async {
        let status = ask(path.clone(), STATUS).await;
        assert!(status.starts_with("HTTP/1.1 200 OK\r\n"), "{status}");
        let body = status.split_once("\r\n\r\n").unwrap().1;
        let status: Status = serde_json::from_str(body).unwrap();
        assert_eq!(status.host.as_deref(), Some("h1"));

        let metrics = ask(path.clone(), "GET /metrics HTTP/1.0\r\n\r\n").await;
        assert!(metrics.starts_with("HTTP/1.0 200 OK\r\n"), "{metrics}");
        assert!(metrics.contains("content-type: application/openmetrics-text; version=1.0.0"));
        assert!(metrics.ends_with("# EOF\n"));

        for (request, code) in [
            ("GET / HTTP/1.0\r\n\r\n", "404"),
            ("POST /status HTTP/1.0\r\ncontent-length: 0\r\n\r\n", "405"),
            ("nonsense\r\n\r\n", "400"),
        ] {
            let answer = ask(path.clone(), request).await;
            assert_eq!(answer.split(' ').nth(1), Some(code), "{request}: {answer}");
        }
    };
    tokio::select! {
        () = answer_all(&mut served.questions, &mut asked) => unreachable!(),
        () = checks => {}
    }
}

/// However many ask at once, the loop is asked once in a while.
#[tokio::test]
async fn a_crowd_asks_the_loop_once() {
    let mut served = serve_one(Limits {
        fresh: Duration::from_secs(600),
        ..Limits::default()
    });
    let mut asked = 0;
    let path = served.path.clone();
    let crowd = async {
        let all: Vec<_> = (0..100)
            .map(|_| tokio::spawn(ask(path.clone(), STATUS)))
            .collect();
        for one in all {
            assert!(one.await.unwrap().contains("200 OK"));
        }
    };
    tokio::select! {
        () = answer_all(&mut served.questions, &mut asked) => unreachable!(),
        () = crowd => {}
    }
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_loop_that_does_not_answer_is_told_as_such() {
    let served = serve_one(short());
    let answer = ask(served.path.clone(), STATUS).await;
    assert!(answer.contains("503"), "{answer}");
}

/// Clients that send nothing, too much or byte by byte hold their places for a bounded time.
#[tokio::test]
async fn bad_clients_end() {
    let mut served = serve_one(Limits {
        loop_patience: Duration::from_secs(60),
        ..short()
    });
    let mut asked = 0;
    let path = served.path.clone();
    let checks = async {
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS {
            silent.push(UnixStream::connect(&path).await.unwrap());
        }
        // It gets its turn when the places are free again.
        let answer = ask(path.clone(), STATUS).await;
        assert!(answer.contains("200 OK"), "{answer}");
        for mut stream in silent {
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }

        let mut big = UnixStream::connect(&path).await.unwrap();
        let mut request = b"GET /status HTTP/1.1\r\nx: ".to_vec();
        request.resize(1 << 20, b'x');
        // It is closed in the middle of what is too much.
        let _ = big.write_all(&request).await;
        let mut answer = Vec::new();
        let _ = big.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
    };
    tokio::select! {
        () = answer_all(&mut served.questions, &mut asked) => unreachable!(),
        () = checks => {}
    }
}

/// Who asks and does not read is dropped; others are answered meanwhile.
#[tokio::test]
async fn one_that_does_not_read_stops_nobody() {
    let mut served = serve_one(Limits::default());
    let mut asked = 0;
    let path = served.path.clone();
    let checks = async {
        let mut deaf = UnixStream::connect(&path).await.unwrap();
        deaf.write_all(STATUS.as_bytes()).await.unwrap();
        for _ in 0..3 {
            assert!(ask(path.clone(), STATUS).await.contains("200 OK"));
        }
        drop(deaf);
    };
    let big = Status {
        problems: (0..20_000)
            .map(|n| (format!("problem{n}"), "x".repeat(50)))
            .collect(),
        ..Status::default()
    };
    let big = Arc::new(big);
    let answers = async {
        while let Some(question) = served.questions.recv().await {
            asked += 1;
            let _ = question.send(Arc::clone(&big));
        }
    };
    tokio::select! {
        () = answers => unreachable!(),
        () = checks => {}
    }
}
