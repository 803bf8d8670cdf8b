//! The file, read as a stream: its size does not matter.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::columns::Columns;
use super::line::{Fault, Line};
use crate::output::Unusable;

/// No line of ours comes near this size; a quote that is not closed would make one of all the rest.
const MAX_LINE: u64 = 64 * 1024;

/// The lines of a file after its heading.
pub(super) struct Lines {
    reader: Reader<Counted>,
    columns: Columns,
    record: ByteRecord,
    name: String,
    size: u64,
}

/// A line with its place in the file.
pub(super) struct Placed {
    /// From 1, which is the heading.
    pub(super) number: u64,
    /// In bytes.
    pub(super) offset: u64,
    pub(super) read: Result<Line, Vec<Fault>>,
    /// What its code is known by, whatever else is wrong with it.
    pub(super) code: Option<u128>,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, Unusable> {
        let name = path.display().to_string();
        let unusable = |error: &dyn std::fmt::Display| Unusable::new(format!("{name} cannot be read: {error}"));
        let file = File::open(path).map_err(|error| unusable(&error))?;
        let size = file.metadata().map_err(|error| unusable(&error))?.len();
        let counted = Counted { file, allowed: Cell::new(0) };
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(BUFFER).from_reader(counted);
        let mut heading = ByteRecord::new();
        reader.get_ref().allow_a_line();
        if !reader.read_byte_record(&mut heading).map_err(|error| unusable(&error))? {
            return Err(Unusable::new(format!("{name} is empty")));
        }
        let columns = Columns::read(&heading).map_err(|error| unusable(&error))?;
        Ok(Self { reader, columns, record: ByteRecord::new(), name, size })
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The next line that is not empty.
    pub(super) fn next(&mut self) -> Result<Option<Placed>, Unusable> {
        self.reader.get_ref().allow_a_line();
        let begun = self.reader.position().line();
        let read = self.reader.read_byte_record(&mut self.record);
        let more =
            read.map_err(|error| Unusable::new(format!("{} cannot be read on from line {begun}: {error}", self.name)))?;
        if !more {
            return Ok(None);
        }
        let (number, offset) = self.record.position().map_or((begun, 0), |place| (place.line(), place.byte()));
        let (code, read) = Line::read(number, &self.columns, &self.record);
        Ok(Some(Placed { number, offset, read, code }))
    }
}

const BUFFER: usize = 64 * 1024;

/// Bytes on their way, refused when a single line takes too many of them.
struct Counted {
    file: File,
    allowed: Cell<u64>,
}

impl Counted {
    fn allow_a_line(&self) {
        self.allowed.set(MAX_LINE + BUFFER as u64);
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        let left = self.allowed.get().checked_sub(read as u64);
        self.allowed
            .set(left.ok_or_else(|| io::Error::other("it is longer than any line can be: is a quote not closed?"))?);
        Ok(read)
    }
}
