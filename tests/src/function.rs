//! A shipped function as a process behind a [`RuntimeApi`], with the environment that Lambda gives it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::aws::lock;
use crate::runtime_api::{RuntimeApi, Sandbox};

/// The timeout that infra/template.yaml gives a function.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A running function. It is killed when this is dropped.
#[derive(Debug)]
pub struct Function {
    api: RuntimeApi,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Function {
    /// Starts a program with nothing in its environment but what Lambda puts there and `environment`.
    ///
    /// # Panics
    /// When it does not start at all.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without its program cannot go on")]
    pub fn start(program: &Path, environment: &[(String, String)]) -> Self {
        let api = RuntimeApi::start(TIMEOUT);
        let of_lambda = [
            ("AWS_LAMBDA_RUNTIME_API", api.address().as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "marque-Validate-1ABCDEFGHIJKL"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "marque-ValidateLogs-1ABCDEFGHIJKL"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/24/[$LATEST]58419525dade4d17a495dceeeed44708"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("LANG", "en_US.UTF-8"),
            ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
            ("TZ", ":UTC"),
            ("_HANDLER", "bootstrap"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut child = Command::new(program)
            .env_clear()
            .envs(of_lambda)
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the function starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (stdout, stderr) = (child.stdout.take().expect("its stdout"), child.stderr.take().expect("its stderr"));
        let readers = vec![read(stdout, Arc::clone(&log)), read(stderr, Arc::clone(&log))];
        Self { api, child, log, readers }
    }

    /// The sandbox, to send events to.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        self.api.sandbox()
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The lines that it wrote.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        lock(&self.log).clone()
    }

    /// Waits until a line with this text was written; false after ten seconds.
    #[must_use]
    pub fn wait_for_line(&self, text: &str) -> bool {
        self.wait_for_line_after(0, text)
    }

    /// [`Function::wait_for_line`], leaving out so many lines.
    #[must_use]
    pub fn wait_for_line_after(&self, lines: usize, text: &str) -> bool {
        wait(|| self.log().iter().skip(lines).any(|line| line.contains(text)).then_some(())).is_some()
    }

    /// Waits until it has ended; `None` after ten seconds. The log is whole then.
    pub fn wait_until_ended(&mut self) -> Option<ExitStatus> {
        let status = wait(|| self.child.try_wait().ok().flatten())?;
        self.readers.drain(..).for_each(|reader| reader.join().unwrap_or_default());
        Some(status)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        self.child.kill().and_then(|()| self.child.wait().map(drop)).unwrap_or_default();
    }
}

fn read(stream: impl Read + Send + 'static, log: Arc<Mutex<Vec<String>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lock(&log).push(line);
        }
    })
}

fn wait<T>(mut until: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..1000 {
        if let Some(found) = until() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}
