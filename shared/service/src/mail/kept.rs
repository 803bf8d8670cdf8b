//! Mails of a local run: kept to be looked at instead of sent.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::Mail;

/// Every mail that would have been sent, in memory or in a file that outlives the process. Cheap to clone.
#[derive(Clone)]
pub struct Kept(Arc<Mutex<Mails>>);

struct Mails {
    mails: Vec<Mail>,
    file: Option<File>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(…)")
    }
}

impl Kept {
    /// Keeps them as long as this lives.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(Arc::new(Mutex::new(Mails { mails: Vec::new(), file: None })))
    }

    /// Keeps them in a file of JSON lines, for its owner's eyes alone, beside those that are there. A last line that a
    /// killed process left unfinished is left out.
    ///
    /// # Errors
    /// When the file cannot be read or written, or a line before the last is no mail.
    pub fn in_file(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).read(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let text = std::fs::read_to_string(path)?;
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        file.set_len(u64::try_from(whole.len()).unwrap_or(u64::MAX))?;
        let mails = whole.lines().map(|line| serde_json::from_str(line).map_err(io::Error::from));
        Ok(Self(Arc::new(Mutex::new(Mails { mails: mails.collect::<io::Result<_>>()?, file: Some(file) }))))
    }

    /// Every mail, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).mails.clone()
    }

    pub(crate) fn keep(&self, mail: &Mail) -> io::Result<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &mut kept.file {
            let mut line = serde_json::to_vec(mail)?;
            line.push(b'\n');
            file.write_all(&line)?;
        }
        kept.mails.push(mail.clone());
        Ok(())
    }
}
