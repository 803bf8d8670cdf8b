//! Customers as items: the only ones that hold a person's data.

use marque_core::{Customer, CustomerId, Email, Language, PersonText};
use serde::{Deserialize, Serialize};

use super::Item;
use crate::StoreError;
use crate::expression::Expression;

/// Only whoever was erased has it.
pub(crate) const ERASED: &str = "erased_at";
/// Whoever was erased has none.
pub(crate) const EMAIL: &str = "email";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CustomerItem {
    id: CustomerId,
    name: PersonText,
    company: PersonText,
    email: Email,
    #[serde(default = "english")]
    language: Language,
}

fn english() -> Language {
    Language::English
}

impl CustomerItem {
    pub(crate) fn new(customer: &Customer) -> Self {
        let Customer { id, name, company, email, language } = customer.clone();
        Self { id, name, company, email, language }
    }

    /// What a change is conditional on.
    pub(crate) fn unchanged(&self) -> Expression {
        let mut seen = Expression::default();
        for (name, value) in
            [("name", self.name.as_str()), ("company", self.company.as_str()), (EMAIL, self.email.as_str())]
        {
            seen.if_compares(&[name], "=", super::text(value));
        }
        // A customer of before there were languages has none.
        seen.if_absent_or_compares(&["language"], "=", super::text(self.language));
        seen
    }

    pub(crate) fn read(item: &Item) -> Result<Customer, StoreError> {
        let Self { id, name, company, email, language } = super::read(item)?;
        Ok(Customer { id, name, company, email, language })
    }
}
