//! Customers as items: the only ones that hold a person's data.

use marque_core::{Customer, CustomerId, Email, PersonText};
use serde::{Deserialize, Serialize};

use super::Item;
use crate::StoreError;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CustomerItem {
    id: CustomerId,
    name: PersonText,
    company: PersonText,
    email: Email,
}

impl CustomerItem {
    pub(crate) fn new(customer: &Customer) -> Self {
        let Customer { id, name, company, email } = customer.clone();
        Self { id, name, company, email }
    }

    pub(crate) fn read(item: &Item) -> Result<Customer, StoreError> {
        let Self { id, name, company, email } = super::read(item)?;
        Ok(Customer { id, name, company, email })
    }
}
