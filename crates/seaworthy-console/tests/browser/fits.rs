//! Everybody can read it: on each width, light and dark, with keys and with a reader.

use std::path::Path;

use seaworthy_console::Command;
use seaworthy_core::event::Replica;
use serde_json::Value;

use crate::{
    driver::{Browser, browser},
    system::System,
    world::Store,
};

/// What judges pages, from `cargo xtask setup`.
fn axe() -> Option<String> {
    let place = "../../target/tools/axe-core-4.14.1/node_modules/axe-core/axe.min.js";
    let axe = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(place));
    if axe.is_err() {
        println!("skipped in part: axe-core is not there, and `cargo xtask setup` could not fetch it");
    }
    axe.ok()
}

/// What is wrong with the page, in the words of axe-core, where it is serious or worse.
async fn faults(browser: &Browser, axe: &str) -> Vec<String> {
    let script = format!(
        "const done = arguments[arguments.length - 1]; \
         if (!globalThis.axe) {{ {axe} }}; \
         axe.run(document, {{ resultTypes: ['violations'] }}).then(found => done(found.violations), error => done(String(error)));"
    );
    let found = browser.page.execute_async(script, vec![]).await.unwrap().json().clone();
    let found = found.as_array().unwrap_or_else(|| panic!("axe-core did not run: {found}")).clone();
    let is_serious = |fault: &&Value| ["serious", "critical"].contains(&fault["impact"].as_str().unwrap_or_default());
    found.iter().filter(is_serious).map(|fault| format!("{}: {}", fault["id"], fault["nodes"])).collect()
}

/// What sticks out to the right.
async fn too_wide(browser: &Browser) -> Value {
    let script = "document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] : \
                  [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1) \
                  .map(e => e.tagName + '.' + (e.getAttribute('class') ?? '')).slice(0, 10)";
    browser.get(script).await
}

/// A system in which a lot has happened.
fn eventful() -> System {
    let mut system = System::new(Store::MariaDb);
    system.go_on(60);
    for command in [
        Command::RollOut {},
        Command::Kill { replica: Replica(5) },
        Command::BadRelease {},
        Command::Freeze { replica: Replica(4), seconds: 6 },
    ] {
        system.world().ask(command, "the schedule");
        system.go_on(40);
    }
    system
}

#[tokio::test]
async fn it_fits_and_nobody_is_left_out() {
    let Some(browser) = browser().await else { return };
    let mut system = eventful();
    let axe = axe();
    for width in [360, 768, 1440] {
        for scheme in ["light", "dark"] {
            browser.looks(width, scheme).await;
            browser.page.goto(system.url()).await.unwrap();
            browser.until("document.querySelectorAll('.multiple').length === 3").await;
            let closed = too_wide(&browser).await;
            assert_eq!(closed, serde_json::json!([]), "{width} {scheme}");
            // All of it open: details, the table, the list of events, the log.
            let open = "document.querySelector('table.calls button').click(); \
                        for (const box of document.querySelectorAll('details')) box.open = true;";
            browser.page.execute(open, vec![]).await.unwrap();
            browser.until("!document.getElementById('details').hidden").await;
            assert_eq!(too_wide(&browser).await, serde_json::json!([]), "{width} {scheme}, all open");
            if let Some(axe) = &axe {
                assert_eq!(faults(&browser, axe).await, Vec::<String>::new(), "{width} {scheme}");
            }
        }
    }
    // While a drill runs, with buttons that do nothing.
    system.world().ask(Command::Scale { replicas: 8 }, "the schedule");
    system.go_on(2);
    browser.until("document.querySelectorAll('.node.replica').length === 8").await;
    assert_eq!(too_wide(&browser).await, serde_json::json!([]), "eight replicas");
    if let Some(axe) = &axe {
        assert_eq!(faults(&browser, axe).await, Vec::<String>::new(), "while a drill runs");
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn nothing_is_drawn_while_nobody_can_see_it() {
    let Some(browser) = browser().await else { return };
    let mut system = System::new(Store::Sqlite);
    system.go_on(5);
    browser.page.goto(system.url()).await.unwrap();
    browser.until("document.getElementById('state').textContent.startsWith('3 of 3')").await;
    let hide = "Object.defineProperty(document, 'hidden', { value: true, configurable: true }); \
                globalThis.changes = 0; \
                new MutationObserver(found => { changes += found.length; }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });";
    browser.page.execute(hide, vec![]).await.unwrap();
    system.go_on(3);
    browser.until("seaworthyConsole.run.end() === 8").await;
    let frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(changes))))";
    assert_eq!(browser.get(frames).await, 0, "it is kept, and not drawn");
    let show = "Object.defineProperty(document, 'hidden', { value: false, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))";
    browser.page.execute(show, vec![]).await.unwrap();
    browser.until("document.getElementById('state').textContent.includes('in 8 s')").await;
    browser.close().await;
}
