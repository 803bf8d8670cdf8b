//! `marque import` and `marque export`: files as vendors have them.

use marque_tests::{Client, Server};

use crate::publisher::{Desk, PRODUCT};

const HEADING: &str = "code,product,plan,name,company,email\n";

/// The vendor's old code number `n`.
fn code(n: u32) -> String {
    format!("A{n:04X}-F5416-5B71B-AC380-95077")
}

fn line(n: u32) -> String {
    format!("{},{PRODUCT},perpetual,Name {n},\"Company, {n}\",n{n}@example.org\n", code(n))
}

fn file(lines: impl Iterator<Item = u32>) -> String {
    lines.fold(HEADING.to_owned(), |file, n| file + &line(n))
}

/// How many licences of imported codes are there.
fn imported(desk: &Desk) -> usize {
    desk.run(&["export"]).printed().lines().filter(|line| line.contains("-F5416-5B71B-AC380-95077")).count()
}

#[test]
fn old_codes_are_taken_in_once_and_work() {
    let desk = Desk::new(None);
    desk.write("old.csv", &file(0..250));
    let dry = desk.ask(&["import", "old.csv", "--dry-run"]);
    assert_eq!((dry["lines"].as_u64(), &dry["faults"]), (Some(250), &serde_json::json!([])));
    assert_eq!(imported(&desk), 0, "a dry run changes nothing");
    let first = desk.ask(&["import", "old.csv"]);
    assert_eq!(imported(&desk), 250, "{first}");
    desk.ask(&["import", "old.csv"]);
    assert_eq!(imported(&desk), 250, "a second time changes nothing");
    let client = Client::new(desk.served.url());
    let activated =
        client.post("/v1/activations", &Server::in_domain("old").activation("a0007 f5416 5b71b ac380 95077"));
    assert_eq!(activated.expect("an answer").status, 201);
}

#[test]
fn an_import_that_was_stopped_goes_on_where_it_stopped() {
    let desk = Desk::new(None);
    desk.write("half.csv", &file(0..120));
    desk.write("all.csv", &file(0..260));
    desk.ask(&["import", "half.csv"]);
    desk.ask(&["import", "all.csv"]);
    assert_eq!(imported(&desk), 260);
}

#[test]
fn byte_order_marks_line_ends_quotes_and_the_order_of_columns_do_not_matter() {
    let desk = Desk::new(None);
    let file = format!(
        "\u{feff}Email, Company ,NAME,plan,product,code,starts_at,fingerprint\r\n\
         ann@example.org,\"Lee, \"\"Ann\"\" & Co\",Ann Lee,yearly,{PRODUCT},{},2026-06-01T00:00:00Z,\r\n\r\n\
         bob@example.org,Org,Bob,perpetual,{PRODUCT},{},,{}\r\n",
        code(1),
        code(2),
        "ab".repeat(32)
    );
    desk.write("excel.csv", &file);
    let ran = desk.run(&["import", "excel.csv"]);
    assert_eq!(ran.code(), 0, "{}", ran.said());
    let export = desk.run(&["export"]).printed();
    assert!(export.contains("\"Lee, \"\"Ann\"\" & Co\""), "{export}");
    assert!(export.contains(&"ab".repeat(32)), "{export}");
}

#[test]
fn an_export_is_an_import_and_tells_the_same() {
    let desk = Desk::new(None);
    let formula = format!("{},{PRODUCT},yearly,=cmd|' /C calc'!A0,'@Org,-ann@example.org\n", code(30));
    desk.write("old.csv", &(file(0..30) + &formula));
    desk.ask(&["import", "old.csv"]);
    assert_eq!(desk.run(&["export", "--out", "export.csv"]).code(), 0);
    let export = desk.read("export.csv");
    assert!(export.starts_with("code,product,plan,name,company,email,starts_at,fingerprint\n"), "{export}");
    assert!(export.contains(",'=cmd|' /C calc'!A0,'@Org,'-ann@example.org,"), "no spreadsheet runs it: {export}");
    let ours: Vec<_> = export.lines().filter(|line| line.starts_with("code,") || line.contains("-F5416-")).collect();
    desk.write("ours.csv", &(ours.join("\n") + "\n"));
    let other = Desk::new(None);
    other.write("ours.csv", &desk.read("ours.csv"));
    other.ask(&["import", "ours.csv"]);
    let again = other.run(&["export"]).printed();
    let again: Vec<_> = again.lines().filter(|line| line.starts_with("code,") || line.contains("-F5416-")).collect();
    assert_eq!(again, ours);
}

#[test]
fn every_fault_is_told_by_line_and_nothing_is_sent() {
    let desk = Desk::new(None);
    let file = format!(
        "{HEADING}{}{},{PRODUCT},yearly,,Org,nobody\n{},{PRODUCT}\nnonsense,{PRODUCT},yearly,Ann,Org,a@example.org\n{}{},{PRODUCT},yearly,Ann,Org,\n{}",
        line(1),
        code(2),
        code(3),
        line(1),
        code(2),
        line(4)
    );
    desk.write("faulty.csv", &file);
    for extra in [&[][..], &["--dry-run"]] {
        let ran = desk.run(&[&["import", "faulty.csv"], extra].concat());
        assert_eq!(ran.code(), 1);
        let said = ran.said();
        for fault in [
            "line 3: name: ",
            "line 3: email: ",
            "line 4: has 2 fields",
            "line 5: code: ",
            "line 6: code: stands in line 2",
            "line 7: code: stands in line 3",
            "line 7: email: ",
        ] {
            assert!(said.contains(fault), "{fault}: {said}");
        }
        assert!(!said.contains("line 2:") && !said.contains("line 8:"), "{said}");
    }
    assert_eq!(imported(&desk), 0);
    let ran = desk.run(&["import", "faulty.csv", "--json"]);
    assert_eq!((ran.code(), ran.json()["faults"].as_array().map(Vec::len)), (1, Some(7)));
}

#[test]
fn the_service_s_faults_are_told_by_line_too() {
    let desk = Desk::new(None);
    let file = file(1..3) + &format!("{},{PRODUCT},platinum,Ann,Org,a@example.org\n", code(3));
    desk.write("plans.csv", &file);
    let dry = desk.run(&["import", "plans.csv", "--dry-run"]);
    assert_eq!(dry.code(), 1);
    assert!(dry.said().contains("line 4: "), "{}", dry.said());
    let ran = desk.run(&["import", "plans.csv"]);
    assert_eq!((ran.code(), imported(&desk)), (1, 2), "a line is taken in whole or not at all: {}", ran.said());
    desk.ask(&["plan", "set", PRODUCT, "platinum", "--name", "Platinum", "--kind", "perpetual"]);
    assert_eq!(desk.run(&["import", "plans.csv"]).code(), 0, "mended, the same file goes in");
    assert_eq!(imported(&desk), 3);
}

#[test]
fn files_that_are_no_lists_of_licences_are_refused_whole() {
    let desk = Desk::new(None);
    for (name, content, said) in [
        ("empty", String::new(), "is empty"),
        ("heading", HEADING.to_owned(), "no lines"),
        (
            "unknown",
            HEADING.replace("email", "mail,phone"),
            "no column \"mail\"; there is no column \"phone\"; email is missing",
        ),
        ("twice", HEADING.replace("company", "name"), "name stands twice; company is missing"),
        ("semicolons", HEADING.replace(',', ";") + "a;b\n", "separated by ';'"),
        ("quote", file(0..3) + "\"" + &"x".repeat(400_000), "is a quote not closed?"),
    ] {
        desk.write("file.csv", &content);
        let ran = desk.run(&["import", "file.csv"]);
        assert_eq!(ran.code(), 2, "{name}: {}", ran.said());
        assert!(ran.said().contains(said), "{name}: {}", ran.said());
    }
    std::fs::write(desk.path("latin.csv"), [HEADING.as_bytes(), &line(1).into_bytes(), b"A,\xe9\n"].concat())
        .expect("a file");
    assert_eq!(desk.run(&["import", "latin.csv"]).code(), 1);
    assert_eq!(imported(&desk), 0);
}
