//! Documents of the service as tables for people. Whatever it answers beside what we know is shown too.

use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use serde_json::Value;

use crate::output::{self, plain};

/// A member as one line of text; `-` when there is none.
pub(super) fn member(document: &Value, name: &str) -> String {
    text(&document[name])
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) if !items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        Value::Object(members) if members.is_empty() => "none".to_owned(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| format!("{} {}", plain(name), text(value)))
            .collect::<Vec<_>>()
            .join(", "),
        other => plain(&other.to_string()),
    }
}

/// One thing, a member a line: first those named, then the rest.
pub(super) fn record(document: &Value, first: &[&str]) {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    fit(&mut table);
    let mut row = |name: &str, value: &Value| {
        let name = plain(name).replace('_', " ");
        match value.as_array() {
            // A list of things takes a line for each.
            Some(items) if items.iter().any(Value::is_object) => {
                for (at, item) in items.iter().enumerate() {
                    table.add_row([if at == 0 { name.clone() } else { String::new() }, text(item)]);
                }
            }
            _ => {
                table.add_row([name, text(value)]);
            }
        }
    };
    let members = document.as_object();
    for name in first {
        if let Some(value) = members.and_then(|members| members.get(*name)) {
            row(name, value);
        }
    }
    for (name, value) in members.into_iter().flatten().filter(|(name, _)| !first.contains(&name.as_str())) {
        row(name, value);
    }
    anstream::println!("{}", table.trim_fmt());
}

/// A list as a table: `columns` are heading and member. Those from the `kept`-th on are left out, the last first, where the
/// terminal is too narrow for all.
pub(super) fn list<const N: usize>(items: &[Value], columns: [(&str, &str); N], kept: usize) {
    let mut table = output::table(columns.map(|(heading, _)| heading));
    fit(&mut table);
    for item in items {
        table.add_row(columns.map(|(_, name)| member(item, name)));
    }
    // Each column has a space on either side.
    let widths = table.column_max_content_widths();
    let needed = |shown: usize| widths.iter().take(shown).map(|width| usize::from(*width) + 2).sum::<usize>();
    let fits = |shown: usize| output::width().is_none_or(|width| needed(shown) <= usize::from(width));
    let shown = (kept..=N).rev().find(|shown| fits(*shown)).unwrap_or(kept);
    for at in shown..N {
        if let Some(column) = table.column_mut(at) {
            column.set_constraint(ColumnConstraint::Hidden);
        }
    }
    anstream::println!("{}", table.trim_fmt());
}

/// Lets long text go on in a further line rather than beyond the terminal's edge.
fn fit(table: &mut Table) {
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = output::width() {
        table.set_width(width);
    }
}
