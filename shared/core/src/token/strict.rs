//! JSON that has one reading only: what two parsers could understand in two ways is refused.
//!
//! RFC 8259 leaves to the parser what duplicate members mean, and RFC 7515 section 4 wants them refused in a header. Here
//! they are refused at any depth, and with them whatever is not exactly one JSON text of UTF-8: a byte order mark, lone
//! surrogates, bytes after the text, and nesting beyond [`MAX_DEPTH`].

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

/// How many arrays and objects may lie inside of each other.
pub const MAX_DEPTH: usize = 64;
/// A member's name in a pointer is cut here: names are foreign text of any length.
const MAX_NAME: usize = 40;

/// Reads one JSON text.
///
/// # Errors
///
/// When the bytes are not exactly one JSON text of UTF-8, or could be read in two ways.
pub fn parse(bytes: &[u8]) -> Result<Value, StrictJsonError> {
    let text = std::str::from_utf8(bytes).map_err(|_| StrictJsonError::NotUtf8)?;
    if text.starts_with('\u{feff}') {
        return Err(StrictJsonError::ByteOrderMark);
    }
    let mut trail = Trail::Clean;
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Element { depth: 0, trail: &mut trail }
        .deserialize(&mut json)
        .map_err(|error| trail.explain().unwrap_or_else(|| syntax(&error)))?;
    json.end().map_err(|_| StrictJsonError::Trailing)?;
    Ok(value)
}

/// Why bytes were refused. Says nothing of them but where, and the names of members made safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrictJsonError {
    /// Not UTF-8.
    #[error("must be JSON in UTF-8")]
    NotUtf8,
    /// A byte order mark in front, which RFC 8259 section 8.1 forbids.
    #[error("must not begin with a byte order mark")]
    ByteOrderMark,
    /// The text ended inside of a value; also when there is none at all.
    #[error("is not JSON: it ends too early")]
    EndsEarly,
    /// Not JSON from here on; a lone surrogate too.
    #[error("is not JSON: faulty at line {line}, column {column}")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// The byte in the line, counted from 1.
        column: usize,
    },
    /// Something follows the value.
    #[error("must end after one JSON value")]
    Trailing,
    /// More than [`MAX_DEPTH`] levels.
    #[error("must not be nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// An object names a member twice.
    #[error("the member {pointer} is there twice")]
    Duplicate {
        /// The member as a JSON pointer (RFC 6901), its names shortened and without control characters.
        pointer: String,
    },
}

impl StrictJsonError {
    /// A JSON pointer to the fault; empty, which is the whole text, where none can be told.
    #[must_use]
    pub fn pointer(&self) -> &str {
        match self {
            Self::Duplicate { pointer } => pointer,
            _ => "",
        }
    }
}

fn syntax(error: &serde_json::Error) -> StrictJsonError {
    if error.is_eof() {
        StrictJsonError::EndsEarly
    } else {
        StrictJsonError::Syntax { line: error.line(), column: error.column() }
    }
}

/// What the visitors found out beside the parser's own errors.
enum Trail {
    Clean,
    TooDeep,
    /// The pointer's parts, the innermost first.
    Duplicate(Vec<String>),
}

impl Trail {
    /// Notes another step outward on the way back from a duplicate.
    fn leave(&mut self, step: impl fmt::Display) {
        if let Self::Duplicate(steps) = self {
            steps.push(safe(&step.to_string()));
        }
    }

    fn explain(self) -> Option<StrictJsonError> {
        match self {
            Self::Clean => None,
            Self::TooDeep => Some(StrictJsonError::TooDeep),
            Self::Duplicate(steps) => {
                let pointer = steps.iter().rev().flat_map(|step| ["/", step]).collect();
                Some(StrictJsonError::Duplicate { pointer })
            }
        }
    }
}

/// A name as one part of a pointer: escaped, shortened, and nothing in it that moves a cursor or turns text around.
fn safe(name: &str) -> String {
    let mut part = String::new();
    for letter in name.chars().take(MAX_NAME) {
        match letter {
            '~' => part.push_str("~0"),
            '/' => part.push_str("~1"),
            _ if super::text::is_unsafe(letter) => part.push(char::REPLACEMENT_CHARACTER),
            _ => part.push(letter),
        }
    }
    if name.chars().nth(MAX_NAME).is_some() {
        part.push('…');
    }
    part
}

/// Reads one value that lies inside of `depth` arrays and objects.
struct Element<'t> {
    depth: usize,
    trail: &'t mut Trail,
}

impl Element<'_> {
    fn enter<E: Error>(&mut self) -> Result<(), E> {
        if self.depth < MAX_DEPTH {
            return Ok(());
        }
        *self.trail = Trail::TooDeep;
        Err(E::custom("too deep"))
    }

    fn inner(&mut self) -> Element<'_> {
        Element { depth: self.depth + 1, trail: self.trail }
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut array = Vec::new();
        loop {
            match elements.next_element_seed(self.inner()) {
                Ok(Some(value)) => array.push(value),
                Ok(None) => return Ok(Value::Array(array)),
                Err(error) => {
                    self.trail.leave(array.len());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match object.entry(name) {
                Entry::Occupied(taken) => {
                    *self.trail = Trail::Duplicate(Vec::new());
                    self.trail.leave(taken.key());
                    return Err(A::Error::custom("duplicate member"));
                }
                Entry::Vacant(free) => match members.next_value_seed(self.inner()) {
                    Ok(value) => {
                        free.insert(value);
                    }
                    Err(error) => {
                        self.trail.leave(free.key());
                        return Err(error);
                    }
                },
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(text: &str) -> StrictJsonError {
        parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_member_named_twice_is_found_at_any_depth() {
        for (text, pointer) in [
            (r#"{"a":1,"a":1}"#, "/a"),
            (r#"{"a":1,"\u0061":2}"#, "/a"),
            (r#"{"features":{"seats":1,"seats":2}}"#, "/features/seats"),
            (r#"{"a":[0,{"b":{"c":null,"d":1,"c":null}}]}"#, "/a/1/b/c"),
            (r#"{"":{"a/b~":1,"a/b~":1}}"#, "//a~1b~0"),
        ] {
            let error = refused(text);
            assert_eq!(error.pointer(), pointer, "{text}");
            assert_eq!(error.to_string(), format!("the member {pointer} is there twice"));
        }
    }

    #[test]
    fn a_pointer_is_safe_to_show() {
        let name = format!("\\u001b[31m\\n\\u202e{}", "x".repeat(100));
        let error = refused(&format!(r#"{{"{name}":1,"{name}":1}}"#));
        assert_eq!(error.pointer(), format!("/\u{fffd}[31m\u{fffd}\u{fffd}{}…", "x".repeat(33)));
    }

    #[test]
    fn what_is_not_one_json_text_is_refused() {
        for (text, expected) in [
            ("", StrictJsonError::EndsEarly),
            ("{\"a\":", StrictJsonError::EndsEarly),
            ("\u{feff}{}", StrictJsonError::ByteOrderMark),
            ("{} {}", StrictJsonError::Trailing),
            ("{}\0", StrictJsonError::Trailing),
            ("{a:1}", StrictJsonError::Syntax { line: 1, column: 2 }),
        ] {
            assert_eq!(refused(text), expected, "{text}");
        }
        assert_eq!(parse(b"\"\xff\""), Err(StrictJsonError::NotUtf8));
        assert_eq!(parse(b"\"\xed\xa0\x80\""), Err(StrictJsonError::NotUtf8));
        for text in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            r#"{"\ud800":1}"#,
            "[1,]",
            "{\"a\":1,}",
            "01",
            "+1",
            ".5",
            "[1.]",
            "NaN",
            "1e999",
            "'a'",
            "\"\n\"",
            "// a\n1",
            "True",
        ] {
            assert!(matches!(refused(text), StrictJsonError::Syntax { .. }), "{text}: {:?}", refused(text));
        }
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(refused(&nested(MAX_DEPTH + 1)), StrictJsonError::TooDeep);
        assert_eq!(refused(&nested(10_000)), StrictJsonError::TooDeep);
        assert_eq!(refused(&"{\"a\":".repeat(65)), StrictJsonError::TooDeep);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(".*", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_read_back(value in json()) {
            prop_assert_eq!(parse(value.to_string().as_bytes()), Ok(value));
        }

        #[test]
        fn what_is_accepted_means_what_serde_json_says(bytes in prop::collection::vec(prop::sample::select(
            b"{}[]\":,\\u0a1e.- tru".to_vec()), 0..24)) {
            if let Ok(value) = parse(&bytes) {
                prop_assert_eq!(value, serde_json::from_slice::<Value>(&bytes).unwrap());
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            prop_assert!(parse(&bytes).is_err() || serde_json::from_slice::<Value>(&bytes).is_ok());
        }
    }
}
