//! Lists, a page at a time: `?limit=` and an opaque `?cursor=`.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use base64ct::{Base64UrlUnpadded, Encoding};
use http::request::Parts;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Error, Fault};

const DEFAULT_LIMIT: u8 = 50;
const MAX_LIMIT: u8 = 100;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T: ToSchema> {
    /// What is on it.
    items: Vec<T>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// The parameters of every list, as the contract describes them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what `Parameters::window` reads")]
pub(crate) struct PageParameters {
    /// 1 to 100, 50 if absent.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The parameters of a request, each asked for once; what was never asked for is unknown.
#[derive(Debug)]
pub(crate) struct Parameters {
    given: HashMap<String, String>,
    faults: Vec<Fault>,
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query: Result<Query<Vec<(String, String)>>, _> = Query::try_from_uri(&parts.uri);
        let Ok(Query(pairs)) = query else { return Err(Error::invalid("?", "the query cannot be read")) };
        let mut read = Self { given: HashMap::new(), faults: Vec::new() };
        for (name, value) in pairs {
            if read.given.insert(name.clone(), value).is_some() {
                read.fault::<()>(&name, "is given twice");
            }
        }
        Ok(read)
    }
}

impl Parameters {
    /// A parameter that may be absent.
    pub(crate) fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.given.remove(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.fault(name, error),
        }
    }

    /// Where a page of this list begins and how long it may be. `list` names the list with whatever it is chosen by, so
    /// that a cursor of another is none of this.
    pub(crate) fn window<T: FromStr>(mut self, list: &str) -> Result<Window<T>, Error> {
        let limit = self.given.remove("limit");
        let limit = match limit.as_deref().map(str::parse) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => self.fault("limit", "must be a number from 1 to 100").unwrap_or(DEFAULT_LIMIT),
        };
        let cursor = self.given.remove("cursor").filter(|cursor| !cursor.is_empty());
        let after = match cursor.map(|cursor| read_cursor(list, &cursor)) {
            Some(None) => self.fault("cursor", "must be a `next_cursor` of this very list"),
            Some(found) => found,
            None => None,
        };
        self.end()?;
        Ok(Window { list: list.to_owned(), after, limit })
    }

    /// Notes a fault of a parameter.
    pub(crate) fn fault<T>(&mut self, name: &str, detail: impl Display) -> Option<T> {
        let plain = |letter: char| if letter.is_ascii_graphic() { letter } else { '?' };
        let name: String = name.chars().take(40).map(plain).collect();
        self.faults.push(Fault { pointer: format!("?{name}"), detail: detail.to_string() });
        None
    }

    /// Whatever was not asked for is a fault.
    pub(crate) fn end(mut self) -> Result<(), Error> {
        let mut unknown: Vec<_> = self.given.drain().map(|(name, _)| name).collect();
        unknown.sort();
        for name in &unknown {
            self.fault::<()>(name, "is not known here: leave it out");
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Error::Invalid(self.faults)) }
    }
}

/// The part of a list that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Window<T> {
    list: String,
    /// The last one of the page before.
    pub(crate) after: Option<T>,
    limit: u8,
}

impl<T: Display> Window<T> {
    /// How many to read: one more than are shown, to see whether there are more.
    pub(crate) fn to_read(&self) -> i32 {
        i32::from(self.limit) + 1
    }

    /// What of the positions that were read is on the page, and where the next one begins.
    pub(crate) fn cut<F>(&self, found: &mut Vec<F>, position: impl Fn(&F) -> T) -> Option<String> {
        let limit = usize::from(self.limit);
        let more = found.len() > limit;
        found.truncate(limit);
        found.last().filter(|_| more).map(|last| cursor(&self.list, &position(last).to_string()))
    }
}

impl<T: ToSchema> Page<T> {
    pub(crate) fn new(items: Vec<T>, next_cursor: Option<String>) -> Self {
        Self { items, next_cursor }
    }
}

/// How much of the check's digest a cursor carries.
const CHECK: usize = 8;

/// A position with a check over list and position. Whoever makes one up can only begin elsewhere in a list that they may
/// read anyway; what the check is for is that a cursor that was cut, mistyped or taken from another list is refused.
fn cursor(list: &str, position: &str) -> String {
    let mut bytes = check(list, position).to_vec();
    bytes.extend_from_slice(position.as_bytes());
    Base64UrlUnpadded::encode_string(&bytes)
}

fn read_cursor<T: FromStr>(list: &str, cursor: &str) -> Option<T> {
    let bytes = Base64UrlUnpadded::decode_vec(cursor).ok()?;
    let (given, position) = bytes.split_at_checked(CHECK)?;
    let position = std::str::from_utf8(position).ok()?;
    (given == check(list, position)).then(|| position.parse().ok()).flatten()
}

fn check(list: &str, position: &str) -> [u8; CHECK] {
    let digest = Sha256::digest(format!("marque/cursor/v1\n{list}\n{position}"));
    let mut check = [0; CHECK];
    check.copy_from_slice(&digest[..CHECK]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_by_its_own_list_alone() {
        let made = cursor("licenses of a", "7");
        assert_eq!(read_cursor::<u64>("licenses of a", &made), Some(7));
        assert_eq!(read_cursor::<u64>("licenses of b", &made), None);
        for at in 0..made.len() {
            let mut broken = made.clone().into_bytes();
            broken[at] = if broken[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(read_cursor::<u64>("licenses of a", std::str::from_utf8(&broken).unwrap()), None, "{at}");
        }
        for text in ["", "A", "é", "AAAAAAAAAAA", &made[1..]] {
            assert_eq!(read_cursor::<u64>("licenses of a", text), None, "{text}");
        }
    }
}
