//! The page to try the service, in a real browser.

use std::process::Command;

use crate::server::Backend;

/// What Chromium is called.
const NAMES: [&str; 2] = ["chromium", "chromium-browser"];

/// A headless browser with a profile of its own that asks nothing of the network but the page.
fn browser(profile: &std::path::Path) -> Option<Command> {
    let works = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|done| done.status.success());
    let mut command = Command::new(NAMES.into_iter().find(|name| works(name))?);
    command.args(["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]);
    command.args(["--disable-background-networking", "--disable-component-update"]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    if rustix::process::geteuid().is_root() {
        // Chromium refuses to make its sandbox as root, and it only sees our own page.
        command.arg("--no-sandbox");
    }
    Some(command)
}

#[test]
fn every_route_can_be_tried() {
    let profile = tempfile::TempDir::new().unwrap();
    let Some(mut browser) = browser(profile.path()) else {
        println!("skipped: there is no Chromium on this machine, and `cargo xtask test` could not install it");
        return;
    };
    let backend = Backend::sqlite();
    let server = backend.start();
    let done = browser
        .args(["--virtual-time-budget=10000", "--dump-dom", &format!("http://{}/docs", server.address)])
        .output()
        .unwrap();
    let page = String::from_utf8_lossy(&done.stdout);
    let description = server.get("/openapi.json").json();
    let mut operations = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
        operations += methods.count();
        assert!(page.contains(path.as_str()), "{path} is not on the page: {page}");
    }
    assert_eq!(page.matches(">Send</button>").count(), operations, "{page}");
}
