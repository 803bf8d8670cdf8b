//! Every licence of a deployment, customer by customer: nothing is scanned for it.

use serde_json::Value;

use super::flight;
use crate::admin::{Admin, Failure, query};

/// Makes something of every licence and its customer, for several customers at once, and gives it to `seen`.
pub(super) fn license<R: Send>(
    admin: &Admin,
    make: impl Fn(&Value, &Value) -> Result<R, Failure> + Sync,
    mut seen: impl FnMut(R),
) -> Result<(), Failure> {
    let of_customer = |customer: Value| {
        let id = query(customer["id"].as_str().unwrap_or_default());
        let licenses = admin.list(&format!("/licenses?customer_id={id}"));
        licenses.map(|license| make(&customer, &license?)).collect::<Result<Vec<_>, _>>()
    };
    flight::each(admin.list("/customers"), of_customer, |made| made.into_iter().for_each(&mut seen))
}
