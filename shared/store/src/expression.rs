//! Update and condition expressions, with every name and value through a placeholder: no word is reserved, nothing of a
//! value is ever read as an expression.

use std::collections::HashMap;
use std::fmt::Write;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::items::number;

/// An expression under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expression {
    sets: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expression {
    /// `SET path = value`.
    pub(crate) fn set(&mut self, path: &[&str], value: AttributeValue) -> &mut Self {
        let (path, value) = (self.path(path), self.value(value));
        self.sets.push(format!("{path} = {value}"));
        self
    }

    /// `SET path = source`, or `default` where there is no source yet. The source's value is the one before the update.
    pub(crate) fn copy(&mut self, path: &[&str], source: &[&str], default: AttributeValue) -> &mut Self {
        let (path, source, default) = (self.path(path), self.path(source), self.value(default));
        self.sets.push(format!("{path} = if_not_exists({source}, {default})"));
        self
    }

    /// `SET path = value`, unless there is one.
    pub(crate) fn set_once(&mut self, path: &[&str], value: AttributeValue) -> &mut Self {
        self.copy(path, path, value)
    }

    /// `SET path = path + amount`, from 0.
    pub(crate) fn increase(&mut self, path: &[&str], amount: AttributeValue) -> &mut Self {
        let (path, zero, amount) = (self.path(path), self.value(number(0)), self.value(amount));
        self.sets.push(format!("{path} = if_not_exists({path}, {zero}) + {amount}"));
        self
    }

    /// `REMOVE path`.
    pub(crate) fn remove(&mut self, path: &[&str]) -> &mut Self {
        let path = self.path(path);
        self.removes.push(path);
        self
    }

    /// `SET path = path + 1`, from 0. Not `ADD`, which DynamoDB documents for attributes at the top alone.
    pub(crate) fn count(&mut self, path: &[&str]) -> &mut Self {
        let (path, zero, one) = (self.path(path), self.value(number(0)), self.value(number(1)));
        self.sets.push(format!("{path} = if_not_exists({path}, {zero}) + {one}"));
        self
    }

    /// Only if `path` is there.
    pub(crate) fn if_exists(&mut self, path: &[&str]) -> &mut Self {
        let path = self.path(path);
        self.conditions.push(format!("attribute_exists({path})"));
        self
    }

    /// Only if `path` is not there.
    pub(crate) fn if_absent(&mut self, path: &[&str]) -> &mut Self {
        let path = self.path(path);
        self.conditions.push(format!("attribute_not_exists({path})"));
        self
    }

    /// Only if `path` compares so with `value`: `=`, `>=`, ….
    pub(crate) fn if_compares(&mut self, path: &[&str], comparison: &str, value: AttributeValue) -> &mut Self {
        let (path, value) = (self.path(path), self.value(value));
        self.conditions.push(format!("{path} {comparison} {value}"));
        self
    }

    /// Only if `path` is not there, or compares so with `value`.
    pub(crate) fn if_absent_or_compares(
        &mut self,
        path: &[&str],
        comparison: &str,
        value: AttributeValue,
    ) -> &mut Self {
        let (path, value) = (self.path(path), self.value(value));
        self.conditions.push(format!("(attribute_not_exists({path}) OR {path} {comparison} {value})"));
        self
    }

    /// Only if a lock is not there, is mine, has run out by `now`, or is held to a time after `longest`.
    pub(crate) fn if_free(
        &mut self,
        holder: &[&str],
        mine: AttributeValue,
        until: &[&str],
        now: AttributeValue,
        longest: AttributeValue,
    ) -> &mut Self {
        let (holder, until) = (self.path(holder), self.path(until));
        let (mine, now, longest) = (self.value(mine), self.value(now), self.value(longest));
        self.conditions.push(format!(
            "(attribute_not_exists({holder}) OR {holder} = {mine} OR {until} <= {now} OR {until} > {longest})"
        ));
        self
    }

    /// The update's text; none when nothing is updated.
    pub(crate) fn update(&self) -> Option<String> {
        let mut text = String::new();
        for (verb, clauses) in [("SET", &self.sets), ("REMOVE", &self.removes)] {
            if !clauses.is_empty() {
                // Writing to a String cannot fail.
                write!(text, "{verb} {} ", clauses.join(", ")).unwrap_or_default();
            }
        }
        (!text.is_empty()).then_some(text)
    }

    /// The condition's text; none when there is none.
    pub(crate) fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    pub(crate) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    pub(crate) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    fn path(&mut self, path: &[&str]) -> String {
        let parts: Vec<_> = path.iter().map(|name| self.name(name)).collect();
        parts.join(".")
    }

    fn name(&mut self, name: &str) -> String {
        if let Some((placeholder, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return placeholder.clone();
        }
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }
}
