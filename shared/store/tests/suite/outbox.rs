//! Mails that are to be sent, notices that are due, and the index that finds both.

use marque_core::{Duration, Letter, MailId, Timestamp};
use marque_embedded::Operation;
use marque_store::{Along, Committed, Due, HELD, IssueLicense, Outgoing, Shard, Work};

use crate::support::{NOW, Table, alone, code, domain, issued, license, stamp, time, yearly};

fn mail(number: u8) -> Outgoing {
    let ask = format!("ask_{}", "0".repeat(26)).parse().unwrap();
    Outgoing::first(MailId::new(time(NOW), [number; 10]), Letter::Trial(ask))
}

/// Writes mails, each beside a licence that is issued.
async fn written(table: &Table, number: u8) -> Outgoing {
    let (mail, plan) = (mail(number), yearly());
    let mut license = license(&plan, number);
    let event = issued(&license);
    license.head = event.head();
    let mut along = Along::default();
    along.mail(&mail, time(NOW)).unwrap();
    let issue = IssueLicense { license: &license, plans: alone(&plan), code: &code(number), event: &event };
    assert_eq!(table.store.issue(issue, &along).await.unwrap(), Committed::Done);
    mail
}

/// Everything that is due by then, two entries a page.
async fn due(table: &Table, until: Timestamp) -> Vec<Due> {
    let mut found = Vec::new();
    for shard in Shard::all() {
        let mut position = None;
        loop {
            let page = table.store.due(shard, until, position, 2).await.unwrap();
            found.extend(page.entries.into_iter().map(Result::unwrap));
            match page.next {
                Some(next) => position = Some(next),
                None => break,
            }
        }
    }
    found
}

#[tokio::test]
async fn whoever_writes_a_mail_has_it_for_a_while_then_it_is_due() {
    let table = Table::new().await;
    let mails = [written(&table, 1).await, written(&table, 2).await, written(&table, 17).await];
    assert_eq!(due(&table, time(NOW).after(Duration::from_seconds(119))).await, []);
    let at = time(NOW).after(HELD);
    let found = due(&table, at).await;
    assert_eq!(found.len(), 3);
    for mail in mails {
        assert!(found.contains(&Due { work: Work::Mail(mail.id), at }));
        assert_eq!(table.store.waiting_mail(mail.id).await.unwrap().unwrap().mail, mail);
    }
}

#[tokio::test]
async fn of_two_who_claim_a_mail_one_has_it() {
    let table = Table::new().await;
    let id = written(&table, 1).await.id;
    let waiting = table.store.waiting_mail(id).await.unwrap().unwrap();
    let retry = waiting.due.after(Duration::hours(1));
    let (one, two) =
        tokio::join!(table.store.claim_mail(waiting.clone(), retry), table.store.claim_mail(waiting, retry));
    let claimed: Vec<_> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].attempts, 2);
    let again = table.store.waiting_mail(id).await.unwrap().unwrap();
    assert_eq!((again.due, again.mail.attempts), (retry, 2));
}

#[tokio::test]
async fn what_is_sent_is_gone_and_what_is_given_up_is_due_no_more() {
    let table = Table::new().await;
    let (sent, parked) = (written(&table, 1).await.id, written(&table, 2).await.id);
    table.store.remove_mail(sent).await.unwrap();
    table.store.park_mail(parked, "it will never work").await.unwrap();
    table.store.park_mail(sent, "gone meanwhile is as good").await.unwrap();
    assert_eq!(
        due(&table, time("2030-01-01T00:00:00Z")).await.iter().filter(|due| matches!(due.work, Work::Mail(_))).count(),
        0
    );
    assert_eq!(table.store.waiting_mail(parked).await.unwrap(), None);
    let kept = table.item(&format!("MAIL#{parked}"), "MAIL").await.unwrap();
    assert_eq!(kept["fault"].as_s().unwrap(), "it will never work");
    assert!(table.item(&format!("MAIL#{sent}"), "MAIL").await.is_none());
}

#[tokio::test]
async fn a_licence_is_due_at_its_next_notice_and_moved_on_once() {
    let (table, license) = Table::with(&yearly()).await;
    let plan = yearly();
    let (first, _) = license.next_notice(alone(&plan), time(NOW)).unwrap();
    assert_eq!(due(&table, first).await, [Due { work: Work::License(license.id), at: first }]);
    let found = table.store.due_license(license.id).await.unwrap().unwrap();
    let next = license.next_notice(alone(&plan), first).map(|(at, _)| at);
    let (one, two) = tokio::join!(
        table.store.move_notice(&found, next, Along::NOTHING),
        table.store.move_notice(&found, next, Along::NOTHING)
    );
    let done = [one.unwrap(), two.unwrap()];
    assert_eq!(done.iter().filter(|done| **done == Committed::Done).count(), 1);
    assert_eq!(table.read(license.id).await, license, "nothing about the licence has changed");
    assert_eq!(due(&table, first).await, []);
    let last = table.store.due_license(license.id).await.unwrap().unwrap();
    assert_eq!(table.store.move_notice(&last, None, Along::NOTHING).await.unwrap(), Committed::Done);
    assert_eq!(due(&table, Timestamp::MAX).await, [], "out of the index");
}

#[tokio::test]
async fn a_check_of_a_licence_that_is_due_still_costs_one_write_unit() {
    let (table, license) = Table::bound(&yearly()).await;
    assert!(table.store.due_license(license.id).await.unwrap().is_some());
    table.embedded.calls().record(true);
    table.check(stamp(&license, &domain(1), 1)).await;
    let calls = table.embedded.calls().take();
    assert_eq!((calls.len(), calls[0].operation), (1, Some(Operation::UpdateItem)));
    assert_eq!((calls[0].read_units, calls[0].write_units), (0.0, 1.0), "the index included");
}

#[tokio::test]
async fn issuing_with_a_mail_takes_at_most_16_write_units() {
    let table = Table::new().await;
    table.embedded.calls().record(true);
    written(&table, 1).await;
    let calls = table.embedded.calls().take();
    assert_eq!(calls.len(), 1);
    // Two more go along with an `Idempotency-Key`.
    assert!(calls[0].write_units <= 14.0, "{calls:?}");
}
