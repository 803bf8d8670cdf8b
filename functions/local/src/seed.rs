//! `marque seed`: the demo product, its plans and licences, in a deployed table.

use marque_service::aws::Aws;
use marque_service::config::AwsSettings;
use marque_service::{Clock, demo};
use serde_json::json;

use crate::cli::Seed;
use crate::output::{self, Answer, Outcome, Unusable};

pub(crate) fn run(options: &Seed) -> Answer {
    let (table, aws) =
        AwsSettings::with_table(|name| options.setting(name)).map_err(|faults| Unusable::new(faults.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Unusable::new(format!("the runtime does not start: {error}")))?;
    let store = Aws::new(&aws).store(&table);
    let seeded = runtime.block_on(demo::seed(&store, Clock::system().now()));
    let seeded = seeded.map_err(|error| Unusable::new(format!("{error}. Seeding again goes on where it stopped")))?;
    if options.json {
        output::json(&json!(seeded));
        return Ok(Outcome::Good);
    }
    let mut shown = output::table(["plan", "kind", "code", "licence"]);
    for license in &seeded.licenses {
        shown.add_row([
            license.plan.to_string(),
            license.kind.to_string(),
            license.code.clone(),
            license.id.to_string(),
        ]);
    }
    anstream::println!("{shown}");
    output::say(format!("{} is in {table}. Seeding again changes nothing, and shows the same codes.", seeded.product));
    Ok(Outcome::Good)
}
