//! Reads the members of a JSON object into typed values and collects every fault, not the first alone.

use std::fmt::Display;

use serde_json::{Map, Value};

use super::body::{FromBody, UnknownMembers};
use crate::problem::Fault;

/// An object being read. Each member is asked for once; what was never asked for is unknown.
#[derive(Debug)]
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    path: String,
    known: Vec<&'static str>,
    unknown: UnknownMembers,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(object: &'a Map<String, Value>, unknown: UnknownMembers, faults: &'a mut Vec<Fault>) -> Self {
        Self { object, path: String::new(), known: Vec::new(), unknown, faults }
    }

    /// A member that must be there: a text that `parse` reads.
    pub fn required<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.member(name) {
            Some(value) => self.text(name, value, parse),
            None => self.missing(name),
        }
    }

    /// A member that may be absent or null: a text that `parse` reads.
    pub fn optional<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.member(name)?;
        self.text(name, value, parse)
    }

    /// A member that must be there: a whole number that `parse` takes.
    pub fn number<T, E: Display>(&mut self, name: &'static str, parse: impl FnOnce(u64) -> Result<T, E>) -> Option<T> {
        if self.has(name) { self.optional_number(name, parse) } else { self.missing(name) }
    }

    /// A member that may be absent or null: a whole number that `parse` takes.
    pub fn optional_number<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(u64) -> Result<T, E>,
    ) -> Option<T> {
        match self.member(name)?.as_u64().map(parse) {
            Some(Ok(value)) => Some(value),
            Some(Err(error)) => self.fault(name, error.to_string()),
            None => self.fault(name, "must be a whole number, not below 0"),
        }
    }

    /// A member that may be absent or null, which means no.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        match self.member(name) {
            None => Some(false),
            Some(Value::Bool(flag)) => Some(*flag),
            Some(_) => self.fault(name, "must be `true` or `false`"),
        }
    }

    /// A member that may be absent or null: an object that is carried as it is.
    pub fn carried(&mut self, name: &'static str) -> Option<Map<String, Value>> {
        match self.member(name) {
            None => Some(Map::new()),
            Some(Value::Object(object)) => Some(object.clone()),
            Some(_) => self.fault(name, "must be an object"),
        }
    }

    /// A member that may be absent or null, which means none: a list of objects whose members `read` asks for.
    pub fn objects<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&mut Fields<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.list(name, |fields, at, value| match value {
            Value::Object(object) => {
                let path = format!("{}/{name}/{at}", fields.path);
                let mut inner =
                    Fields { object, path, known: Vec::new(), unknown: fields.unknown, faults: fields.faults };
                let value = read(&mut inner);
                inner.end();
                value
            }
            _ => fields.fault_at(&format!("{name}/{at}"), "must be an object"),
        })
    }

    /// A member that may be absent or null, which means none: a list of whole numbers that `parse` takes.
    pub fn numbers<T, E: Display>(
        &mut self,
        name: &'static str,
        mut parse: impl FnMut(u64) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        self.list(name, |fields, at, value| match value.as_u64().map(&mut parse) {
            Some(Ok(value)) => Some(value),
            Some(Err(error)) => fields.fault_at(&format!("{name}/{at}"), error.to_string()),
            None => fields.fault_at(&format!("{name}/{at}"), "must be a whole number, not below 0"),
        })
    }

    /// A member that must be there: a list whose elements are read each by itself, with faults of its own.
    pub fn each<T: FromBody>(&mut self, name: &'static str) -> Option<Vec<Result<T, Vec<Fault>>>> {
        match self.member(name) {
            Some(Value::Array(values)) => Some(values.iter().map(read).collect()),
            Some(_) => self.fault(name, "must be a list"),
            None => self.missing(name),
        }
    }

    /// A member that may be absent or null, which means none: a list of texts that `parse` takes.
    pub fn texts<T, E: Display>(
        &mut self,
        name: &'static str,
        mut parse: impl FnMut(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        self.list(name, |fields, at, value| match value.as_str().map(&mut parse) {
            Some(Ok(value)) => Some(value),
            Some(Err(error)) => fields.fault_at(&format!("{name}/{at}"), error.to_string()),
            None => fields.fault_at(&format!("{name}/{at}"), "must be a text"),
        })
    }

    /// Every element is read, so that the faults of all are told.
    fn list<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&mut Self, usize, &'a Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        match self.member(name) {
            None => Some(Vec::new()),
            Some(Value::Array(values)) => {
                let read: Vec<_> = values.iter().enumerate().map(|(at, value)| read(self, at, value)).collect();
                read.into_iter().collect()
            }
            Some(_) => self.fault(name, "must be a list"),
        }
    }

    /// A member that may be anything: a text, or as good as absent.
    pub fn lenient(&mut self, name: &'static str) -> Option<String> {
        self.member(name)?.as_str().map(str::to_owned)
    }

    /// A member that must be there: an object whose members `read` asks for.
    pub fn object<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Option<T> {
        match self.member(name) {
            Some(Value::Object(object)) => {
                let path = format!("{}/{name}", self.path);
                let mut inner = Fields { object, path, known: Vec::new(), unknown: self.unknown, faults: self.faults };
                let value = read(&mut inner);
                inner.end();
                value
            }
            Some(_) => self.fault(name, "must be an object"),
            None => self.missing(name),
        }
    }

    /// A member that is known, and is not there.
    pub fn absent(&mut self, name: &'static str) {
        self.known.push(name);
    }

    /// Notes a member that must be there and is not.
    pub fn missing<T>(&mut self, name: &'static str) -> Option<T> {
        self.known.push(name);
        self.fault(name, "is missing")
    }

    /// Notes a fault that spans members, at the object itself or at one member of it.
    pub fn fault<T>(&mut self, name: &str, detail: impl Into<String>) -> Option<T> {
        let pointer = if name.is_empty() { self.path.clone() } else { format!("{}/{}", self.path, escaped(name)) };
        self.faults.push(Fault { pointer, detail: detail.into() });
        None
    }

    /// Notes a fault at a place below the object.
    fn fault_at<T>(&mut self, place: &str, detail: impl Into<String>) -> Option<T> {
        self.faults.push(Fault { pointer: format!("{}/{place}", self.path), detail: detail.into() });
        None
    }

    /// Whether a member is there and not null.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| !value.is_null())
    }

    /// Deals with the members that nobody asked for.
    pub(crate) fn end(&mut self) {
        let unknown = self.object.keys().map(String::as_str).filter(|name| !self.known.contains(name));
        let unknown: Vec<&str> = unknown.collect();
        match self.unknown {
            UnknownMembers::Ignored if unknown.is_empty() => {}
            UnknownMembers::Ignored => tracing::info!(members = unknown.len(), "ignored members of a newer client"),
            UnknownMembers::Refused => {
                for name in unknown {
                    self.fault::<()>(name, "is not known here: leave it out");
                }
            }
        }
    }

    fn member(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn text<T, E: Display>(
        &mut self,
        name: &str,
        value: &Value,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match value {
            Value::String(text) => match parse(text) {
                Ok(value) => Some(value),
                Err(error) => self.fault(name, error.to_string()),
            },
            _ => self.fault(name, "must be a text"),
        }
    }
}

/// Reads a value from a JSON object, or tells every fault of it.
pub(super) fn read<T: FromBody>(value: &Value) -> Result<T, Vec<Fault>> {
    let mut faults = Vec::new();
    let Value::Object(object) = value else {
        return Err(vec![Fault { pointer: String::new(), detail: "must be a JSON object".to_owned() }]);
    };
    let mut fields = Fields::new(object, T::UNKNOWN, &mut faults);
    let value = T::read(&mut fields);
    fields.end();
    match value {
        Some(value) if faults.is_empty() => Ok(value),
        _ => Err(faults),
    }
}

/// A member's name as a part of a JSON pointer (RFC 6901), without what could break a log or a page, and not too long.
fn escaped(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_graphic() { letter } else { '?' };
    name.chars().take(40).map(plain).collect::<String>().replace('~', "~0").replace('/', "~1")
}
