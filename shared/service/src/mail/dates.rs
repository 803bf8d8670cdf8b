//! Days as people write them.

use marque_core::Day;
use marque_core::customer::Language;

const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const SPANISH: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// `1 January 2032`, `1 de enero de 2032`.
pub(crate) fn in_words(day: Day, language: Language) -> String {
    let (year, month, date) = day.parts();
    let month = |names: [&'static str; 12]| names[usize::from(month.clamp(1, 12)) - 1];
    match language {
        Language::English => format!("{date} {} {year}", month(ENGLISH)),
        Language::Spanish => format!("{date} de {} de {year}", month(SPANISH)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_people_write_them() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        assert_eq!(in_words(day("2032-01-01"), Language::English), "1 January 2032");
        assert_eq!(in_words(day("2031-12-31"), Language::Spanish), "31 de diciembre de 2031");
    }
}
