//! Cells that a spreadsheet would take for a formula.
//!
//! Names are strangers' words, and whoever opens an export must not run them (CSV injection). An apostrophe in front makes a
//! text of them; the import takes it away again.

const FORMULAS: [char; 4] = ['=', '+', '-', '@'];

/// With the apostrophe, where one is needed.
pub(in crate::publisher) fn guarded(text: String) -> String {
    if is_formula(&text) { format!("'{text}") } else { text }
}

/// Without it.
pub(super) fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|text| is_formula(text)).unwrap_or(text)
}

/// Whether a formula stands there, behind any number of apostrophes: so each text has one guarded form.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULAS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_a_text_and_is_itself_again_afterwards() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2", "'-2"),
            ("'=1+1", "''=1+1"),
            ("O'Lee", "O'Lee"),
            ("'Ndrangheta", "'Ndrangheta"),
            ("A=B", "A=B"),
            ("", ""),
        ] {
            assert_eq!(guarded(text.to_owned()), written);
            assert_eq!(unguarded(written), text);
        }
    }
}
