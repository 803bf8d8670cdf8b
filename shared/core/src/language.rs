//! Which of our languages somebody would like to be written to in.

use crate::customer::Language;

#[expect(clippy::derivable_impls, reason = "the enumeration is made by a macro that marks no variant")]
impl Default for Language {
    fn default() -> Self {
        Self::English
    }
}

impl Language {
    /// The language that an `Accept-Language` header likes best (RFC 9110, 12.5.4); English when it names none of ours.
    #[must_use]
    pub fn preferred(accept_language: &str) -> Self {
        // Browsers send a handful of ranges; whoever sends thousands is not read to the end.
        let ranges = accept_language.split(',').take(32).filter_map(|range| {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>).unwrap_or(0.0);
            primary.parse::<Self>().ok().filter(|_| weight > 0.0).map(|language| (language, weight))
        });
        // Of equals, the one that is named first.
        let best = ranges.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(Self::English, |(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_language_that_we_have_is_chosen() {
        for (header, language) in [
            ("", Language::English),
            ("es", Language::Spanish),
            ("ES-mx", Language::Spanish),
            ("es-ES,es;q=0.9,en;q=0.8", Language::Spanish),
            ("de,en;q=0.7,es;q=0.8", Language::Spanish),
            ("en,es", Language::English),
            ("es;q=0", Language::English),
            ("es;q=x,fr", Language::English),
            ("*", Language::English),
            (";;;,,q=1", Language::English),
        ] {
            assert_eq!(Language::preferred(header), language, "{header}");
        }
    }
}
