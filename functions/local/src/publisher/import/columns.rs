//! The columns, one list for import and export.

use csv::ByteRecord;

use crate::output::{Unusable, plain};

/// Every column by name; the first [`NEEDED`] must be there.
pub(in crate::publisher) const COLUMNS: [&str; 8] =
    ["code", "product", "plan", "name", "company", "email", "starts_at", "fingerprint"];
const NEEDED: usize = 6;

/// Which field of a record is which column.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    places: [Option<usize>; COLUMNS.len()],
    /// How many fields a record has.
    pub(super) count: usize,
}

impl Columns {
    /// Reads the heading line; every fault of it is told at once.
    pub(super) fn read(heading: &ByteRecord) -> Result<Self, Unusable> {
        let names: Vec<_> =
            heading.iter().map(|name| plain(String::from_utf8_lossy(name).trim()).to_lowercase()).collect();
        let known = COLUMNS.join(", ");
        if let [only] = names.as_slice()
            && let Some(other) = [';', '\t'].into_iter().find(|letter| only.contains(*letter))
        {
            return Err(Unusable::new(format!("its columns are separated by {other:?}: save it with commas")));
        }
        let mut places = [None; COLUMNS.len()];
        let mut faults = Vec::new();
        for (at, name) in names.iter().enumerate() {
            match COLUMNS.iter().position(|column| column == name).map(|column| &mut places[column]) {
                None => faults.push(format!("there is no column {name:?}")),
                Some(Some(_)) => faults.push(format!("{name} stands twice")),
                Some(place) => *place = Some(at),
            }
        }
        let missing = COLUMNS.iter().zip(&places).take(NEEDED).filter(|(_, place)| place.is_none());
        faults.extend(missing.map(|(column, _)| format!("{column} is missing")));
        if faults.is_empty() {
            return Ok(Self { places, count: names.len() });
        }
        Err(Unusable::new(format!(
            "the heading line is not as it should be: {}. The columns are {known}",
            faults.join("; ")
        )))
    }

    /// A field by the place of its column in [`COLUMNS`]; empty when there is no such column.
    pub(super) fn field<'a>(&self, record: &'a ByteRecord, column: usize) -> &'a [u8] {
        self.places[column].and_then(|at| record.get(at)).unwrap_or_default()
    }
}
