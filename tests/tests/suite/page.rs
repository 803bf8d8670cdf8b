//! The page at `/`: what it shows works when pasted.

use std::process::Command;

use marque_tests::{Client, Served};

#[test]
fn the_calls_on_the_page_work_when_pasted() {
    let served = Served::start(None);
    let client = Client::new(served.url());
    let page = client.get("/").expect("an answer");
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    let text = page.text();
    assert!(!text.contains("<script"), "the page works without scripts");
    let calls: Vec<String> = text
        .split("<pre tabindex=\"0\"><code>")
        .skip(1)
        .map(|rest| unescaped(rest.split("</code>").next().unwrap_or_default()))
        .collect();
    assert_eq!(calls.len(), 7);
    let folder = tempfile::tempdir().expect("a folder");
    let path = format!("{}:{}", marque_tests::binary("marque").parent().expect("a folder").display(), env!("PATH"));
    for call in &calls {
        let ran = Command::new("sh")
            .args(["-c", call])
            .current_dir(folder.path())
            .env("PATH", &path)
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success() && !said.contains("urn:marque:problem"), "{call}\n{said}");
    }
}

fn unescaped(html: &str) -> String {
    html.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
