//! `marque events`: what AWS Marketplace told and could not be handled.

use marque_service::config::AwsSettings;
use marque_service::marketplace::deployed::{DeadLetters, Letter, NotTaken};
use serde_json::json;

use crate::cli::{Events, EventsCommand, Letters};
use crate::output::{self, Answer, Outcome, Unusable};

pub(crate) fn run(options: &Events) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Unusable::new(format!("the runtime does not start: {error}")))?;
    runtime.block_on(async {
        match &options.command {
            EventsCommand::List(letters) => list(letters).await,
            EventsCommand::Replay { letters, reason, to } => replay(letters, reason.as_deref(), to.as_deref()).await,
        }
    })
}

async fn list(options: &Letters) -> Answer {
    let queue = queue(options)?;
    let letters = all(&queue).await?;
    for letter in &letters {
        queue.leave(letter).await.map_err(unusable)?;
    }
    if options.json {
        output::json(&json!({"items": letters}));
    } else if letters.is_empty() {
        output::say("There are no events that cannot be handled.");
    } else {
        anstream::println!("{}", table(&letters));
        output::say(format!("{}: mend what they say, then `marque events replay`.", counted(letters.len())));
    }
    Ok(Outcome::Good)
}

async fn replay(options: &Letters, reason: Option<&str>, to: Option<&str>) -> Answer {
    let queue = queue(options)?;
    let to = match to {
        Some(url) => url.to_owned(),
        None => queue.source().await.map_err(unusable)?.ok_or_else(|| {
            Unusable::new("it is not known which queue these are the dead letters of: name it with --to")
        })?,
    };
    let (chosen, others): (Vec<Letter>, Vec<Letter>) = all(&queue)
        .await?
        .into_iter()
        .partition(|letter| reason.is_none_or(|part| letter.reason.as_deref().unwrap_or_default().contains(part)));
    let (mut back, mut failed) = (Vec::new(), Vec::new());
    for letter in chosen {
        match queue.replay(&letter, &to).await {
            Ok(()) => back.push(letter),
            Err(error) => {
                output::error(&error.to_string());
                failed.push(letter);
            }
        }
    }
    for letter in others.iter().chain(&failed) {
        queue.leave(letter).await.map_err(unusable)?;
    }
    if options.json {
        output::json(&json!({"to": to, "replayed": back, "failed": failed, "left": others.len()}));
    } else {
        if !back.is_empty() {
            anstream::println!("{}", table(&back));
        }
        let left = if others.is_empty() { String::new() } else { format!(", {} left where they are", others.len()) };
        output::say(format!("{} put back into {to}{left}.", counted(back.len())));
    }
    Ok(if failed.is_empty() { Outcome::Good } else { Outcome::Refused })
}

fn queue(options: &Letters) -> Result<DeadLetters, Unusable> {
    let url = options.dead_letters.as_str();
    let of_queue = || url.split("//sqs.").nth(1).and_then(|rest| rest.split('.').next()).map(str::to_owned);
    let given = |name: &str| if name == "AWS_REGION" { of_queue() } else { None };
    let settings = AwsSettings::from_env_with(given).map_err(|faults| Unusable::new(faults.to_string()))?;
    Ok(DeadLetters::new(&settings, url))
}

/// Every letter: each is hidden from the next look as soon as it was seen.
async fn all(queue: &DeadLetters) -> Result<Vec<Letter>, Unusable> {
    let mut letters = Vec::new();
    loop {
        let some = queue.take().await.map_err(unusable)?;
        if some.is_empty() {
            return Ok(letters);
        }
        letters.extend(some);
    }
}

fn table(letters: &[Letter]) -> comfy_table::Table {
    let mut table = output::table(["at", "event", "agreement", "reason"]);
    for letter in letters {
        let cell = |text: &Option<String>| output::plain(text.as_deref().unwrap_or("-"));
        table.add_row([cell(&letter.at), cell(&letter.kind), cell(&letter.agreement), cell(&letter.reason)]);
    }
    table
}

fn counted(count: usize) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}

fn unusable(error: NotTaken) -> Unusable {
    Unusable::new(format!("{error}. Compare the queue's URL, and the permissions of these credentials"))
}
