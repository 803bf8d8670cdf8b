//! The CBOR of Smithy's RPC v2: what its answers hold, and what its requests may hold. Read and written by hand, so that
//! the SDK's own codec is judged by another.

use marque_core::Timestamp;
use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Value};

/// Seconds since 1970 (RFC 8949, 3.4.2).
const EPOCH_TAG: u64 = 1;

/// A value of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Cbor {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    Time(Timestamp),
    List(Vec<Cbor>),
    Map(Vec<(&'static str, Cbor)>),
}

impl Cbor {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn map<const N: usize>(members: [(&'static str, Self); N]) -> Self {
        Self::Map(members.into())
    }

    /// The map with one member more, if there is a value for it.
    pub(crate) fn with(mut self, name: &'static str, value: Option<Self>) -> Self {
        if let (Self::Map(members), Some(value)) = (&mut self, value) {
            members.push((name, value));
        }
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        // Writing to memory cannot fail.
        if self.write(&mut encoder).is_err() {
            return Vec::new();
        }
        encoder.into_writer()
    }

    fn write(&self, to: &mut Encoder<Vec<u8>>) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        match self {
            Self::Text(text) => to.str(text).map(drop),
            Self::Int(number) => to.i64(*number).map(drop),
            Self::Double(number) => to.f64(*number).map(drop),
            Self::Bool(value) => to.bool(*value).map(drop),
            // AWS sends fractions of seconds; whole ones are doubles all the same.
            #[expect(clippy::cast_precision_loss, reason = "the year 9999 is far below 2^53 seconds")]
            Self::Time(time) => to.tag(Tag::new(EPOCH_TAG))?.f64(time.unix() as f64).map(drop),
            Self::List(items) => {
                to.array(items.len() as u64)?;
                items.iter().try_for_each(|item| item.write(to))
            }
            Self::Map(members) => {
                to.map(members.len() as u64)?;
                members.iter().try_for_each(|(name, value)| {
                    to.str(name)?;
                    value.write(to)
                })
            }
        }
    }
}

/// Reads a request's body: one map, and nothing after it.
pub(crate) fn decode(body: &[u8]) -> Option<Value> {
    let mut decoder = Decoder::new(body);
    let value = read(&mut decoder, 0)?;
    (value.is_object() && decoder.position() == body.len()).then_some(value)
}

fn read(from: &mut Decoder<'_>, depth: u8) -> Option<Value> {
    if depth > 8 {
        return None;
    }
    match from.datatype().ok()? {
        Type::String => from.str().ok().map(Value::from),
        Type::StringIndef => from.str_iter().ok()?.collect::<Result<String, _>>().ok().map(Value::from),
        Type::Bool => from.bool().ok().map(Value::from),
        Type::Null => from.null().ok().map(|()| Value::Null),
        Type::F32 | Type::F64 | Type::F16 => from.f64().ok().map(Value::from),
        Type::Tag => {
            from.tag().ok()?;
            read(from, depth + 1)
        }
        Type::Array | Type::ArrayIndef => {
            let length = from.array().ok()?;
            let mut items = Vec::new();
            while more(from, length, items.len())? {
                items.push(read(from, depth + 1)?);
            }
            Some(Value::Array(items))
        }
        Type::Map | Type::MapIndef => {
            let length = from.map().ok()?;
            let mut members = Map::new();
            let mut count = 0;
            while more(from, length, count)? {
                let name = read(from, depth + 1)?.as_str()?.to_owned();
                members.insert(name, read(from, depth + 1)?);
                count += 1;
            }
            Some(Value::Object(members))
        }
        _ => from.i64().ok().map(Value::from),
    }
}

/// Whether a list or map goes on: by its length, or until its end is marked.
fn more(from: &mut Decoder<'_>, length: Option<u64>, seen: usize) -> Option<bool> {
    match length {
        Some(length) => Some((seen as u64) < length),
        None if from.datatype().ok()? == Type::Break => from.skip().ok().map(|()| false),
        None => Some(true),
    }
}
