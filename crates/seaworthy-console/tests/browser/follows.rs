//! The page shows what happens, and what it is asked for happens.

use seaworthy_console::{Command, model::DrillState};
use seaworthy_core::event::Replica;
use serde_json::{Value, json};

use crate::{
    driver::{Browser, browser},
    system::{System, Way},
    world::Store,
};

const RUN: &str = "seaworthyConsole.run";

/// What the page has of a column.
fn numbers(value: &Value) -> Vec<Option<f64>> {
    value.as_array().unwrap().iter().map(Value::as_f64).collect()
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[tokio::test]
async fn the_system_comes_alive() {
    let Some(browser) = browser().await else { return };
    let mut system = System::new(Store::Sqlite);
    browser.page.goto(system.url()).await.unwrap();
    browser.until("document.getElementById('link-text').textContent === 'live'").await;
    assert_eq!(browser.text("#state").await, "waiting for the first second…");
    system.go_on(1);
    browser.until("document.querySelectorAll('.node.replica').length === 3").await;
    assert!(browser.text("#state").await.starts_with("0 of 3 ready"));
    assert_eq!(browser.get("document.querySelectorAll('.node.is-starting').length").await, 3);
    system.go_on(3);
    browser.until("document.querySelectorAll('.node.is-ready').length === 3").await;
    let state = browser.text("#state").await;
    assert_eq!(state, "3 of 3 ready · 50.0 req/s · 0 failed in 4 s · 1 of 5 edges plaintext");
    // Eight edges: two to the address, one to each replica, and one from each to the file, which is no network.
    let chips = browser.get("[...document.querySelectorAll('.chip .sign')].map(sign => sign.textContent)").await;
    assert_eq!(chips.as_array().unwrap().iter().filter(|sign| **sign == "mTLS").count(), 4, "{chips}");
    assert_eq!(chips.as_array().unwrap().iter().filter(|sign| **sign == "in process").count(), 3, "{chips}");
    let row =
        browser.get("[...document.querySelector('table.calls tbody tr').children].map(cell => cell.textContent)").await;
    assert_eq!(
        (&row[0], &row[1], &row[2], &row[4]),
        (&json!("load generator → service"), &json!("50.0"), &json!("0.0"), &json!("mTLS"))
    );
    assert_eq!(browser.get("document.querySelectorAll('#lanes .lane').length").await, 4);
    assert!(browser.text("#lanes").await.contains("rev 1 · ready"));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn who_is_at_the_other_end_can_be_read_without_a_mouse() {
    let Some(browser) = browser().await else { return };
    let mut system = System::new(Store::MariaDb);
    system.go_on(5);
    browser.page.goto(system.url()).await.unwrap();
    browser.until("document.querySelector('.chip')").await;
    browser.page.execute("document.querySelector('.chip').focus()", vec![]).await.unwrap();
    let key = |key: &'static str, code: u32| {
        let browser = &browser;
        async move {
            for kind in ["keyDown", "keyUp"] {
                let text = if key == "Enter" { "\r" } else { "" };
                let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text});
                browser.devtools("Input.dispatchKeyEvent", event).await;
            }
        }
    };
    key("Enter", 13).await;
    browser.until("document.activeElement.id === 'details-title'").await;
    let details = browser.text("#details").await;
    for part in ["load generator → service", "mTLS", "spiffe://seaworthy/service", "TLSv1.3", "expires in 22 h 59 min"]
    {
        assert!(details.contains(part), "{part}: {details}");
    }
    system.go_on(1);
    browser.until(&format!("{RUN}.end() === 6")).await;
    assert_eq!(browser.get("document.activeElement.id").await, "details-title", "a new second does not take the focus");
    key("Escape", 27).await;
    browser.until("document.activeElement.classList.contains('chip')").await;
    assert_eq!(browser.get("document.getElementById('details').hidden").await, true);
    browser.close().await;
}

#[tokio::test]
async fn a_drill_from_the_page_is_made_and_its_cost_is_told() {
    let Some(browser) = browser().await else { return };
    let mut system = System::new(Store::MariaDb);
    system.go_on(5);
    browser.page.goto(system.url()).await.unwrap();
    browser.until("document.querySelector('#replica option')").await;
    browser
        .page
        .execute("document.getElementById('replica').value = '2'; document.getElementById('kill').click()", vec![])
        .await
        .unwrap();
    // The system answers within the same second, and shows it with the next.
    browser.until("document.getElementById('why').textContent === ''").await;
    assert_eq!(*system.asked.lock().unwrap(), [Command::Kill { replica: Replica(2) }]);
    system.go_on(1);
    browser.until("document.querySelector('#result .name')?.textContent === 'kill replica 2: running'").await;
    assert_eq!(browser.text("#why").await, "A drill is under way: kill replica 2.");
    assert_eq!(browser.get("document.getElementById('kill').getAttribute('aria-disabled')").await, "true");
    browser.page.execute("document.getElementById('roll-out').click()", vec![]).await.unwrap();
    system.go_on(4);
    browser.until("document.querySelector('#result .name').textContent === 'kill replica 2: done'").await;
    assert_eq!(system.asked.lock().unwrap().len(), 1, "what is disabled asks for nothing");
    let result = browser.text("#result").await;
    let last = system.published.iter().flat_map(|snapshot| &snapshot.drills).next_back().unwrap();
    assert_eq!(last.state, DrillState::Done);
    let finding = &last.findings[0];
    for part in [
        "2 requests lost · 3 retried · worst 412.0 ms",
        &finding.cause,
        &finding.what,
        &finding.evidence[1],
        &finding.fix,
    ] {
        assert!(result.contains(part), "{part}: {result}");
    }
    assert!(browser.get("document.querySelector('#lanes').textContent").await.as_str().unwrap().contains("was killed"));
    // A second one moves the first into the log.
    browser.page.execute("document.getElementById('roll-out').click()", vec![]).await.unwrap();
    browser.until("document.getElementById('why').textContent === ''").await;
    system.go_on(1);
    browser.until("document.querySelector('#log summary')?.textContent.endsWith('kill replica 2: 2 lost')").await;
    assert_eq!(system.asked.lock().unwrap()[1], Command::RollOut {});
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn a_cut_stream_misses_nothing() {
    let Some(browser) = browser().await else { return };
    let mut system = System::new(Store::MariaDb);
    let way = Way::to(system.address()).await;
    system.go_on(20);
    browser.page.goto(format!("http://{}/", way.address)).await.unwrap();
    system.go_on(5);
    browser.until(&format!("{RUN}.end() === 25")).await;
    for _ in 0..2 {
        way.cut();
        browser
            .until("document.getElementById('link-text').textContent.startsWith('lost: reconnecting… · data of')")
            .await;
        assert_eq!(browser.get("document.body.className").await, "stale");
        assert!(browser.text("#why").await.starts_with("The connection is lost"));
        system.go_on(9);
        way.mend();
        browser.until(&format!("{RUN}.end() === {}", system.now())).await;
        browser.until("document.getElementById('link-text').textContent === 'live'").await;
    }
    let seconds: Vec<u64> = system.published.iter().map(|snapshot| snapshot.second).collect();
    assert_eq!(browser.get(&format!("{RUN}.seconds")).await, json!(seconds));
    let p99: Vec<_> = system.published.iter().map(|snapshot| snapshot.overall.p99_ms.map(rounded)).collect();
    assert_eq!(numbers(&browser.get(&format!("{RUN}.overall.p99_ms")).await), p99);
    let of_one = system.published.iter().map(|snapshot| snapshot.replicas.iter().find(|of| of.replica == Replica(1)));
    let saturation: Vec<_> = of_one.map(|of| of.and_then(|of| of.signals.saturation).map(rounded)).collect();
    assert_eq!(numbers(&browser.get(&format!("{RUN}.replicas.get(1).saturation")).await), saturation);
    let counts = browser.get("seaworthyConsole.counts").await;
    assert_eq!(
        (&counts["windows"], counts["opened"].as_u64() >= Some(3)),
        (&json!(1), true),
        "only what it missed: {counts}"
    );
    browser.close().await;
}

/// A page that followed has what a page has that comes now.
async fn same_after_reload(browser: &Browser, end: u64) {
    let all =
        format!("[{RUN}.seconds, {RUN}.overall, [...{RUN}.replicas], {RUN}.phases, {RUN}.marks, [...{RUN}.drills]]");
    let lanes = "[...document.querySelectorAll('#lanes .row')].map(row => row.dataset.key)";
    let before = (browser.get(&all).await, browser.get(lanes).await);
    browser.page.refresh().await.unwrap();
    browser.until(&format!("globalThis.seaworthyConsole && {RUN}.end() === {end}")).await;
    browser.until("document.querySelectorAll('#lanes .row').length > 1").await;
    assert_eq!((browser.get(&all).await, browser.get(lanes).await), before);
}

#[tokio::test]
async fn what_leaves_the_window_is_forgotten() {
    let Some(browser) = browser().await else { return };
    let mut system = System::new(Store::Sqlite);
    system.go_on(5);
    browser.page.goto(system.url()).await.unwrap();
    system.world().ask(Command::RollOut {}, "the schedule");
    system.go_on(40);
    browser.until(&format!("{RUN}.end() === 45")).await;
    assert_eq!(browser.get(&format!("[...{RUN}.replicas.keys()]")).await, json!([1, 2, 3, 4, 5, 6]));
    same_after_reload(&browser, 45).await;
    for _ in 0..7 {
        // More at once than is kept would be a window, and the page would have nothing to forget.
        system.go_on(50);
        browser.until(&format!("{RUN}.end() === {}", system.now())).await;
    }
    let kept = browser
        .get(&format!("[{RUN}.seconds[0], {RUN}.seconds.length, {RUN}.marks.length, {RUN}.phases.length]"))
        .await;
    assert_eq!(kept, json!([96, 300, 0, 3]), "of the three that live it is known since when they are ready");
    assert_eq!(browser.get(&format!("[...{RUN}.replicas.keys()]")).await, json!([4, 5, 6]));
    assert_eq!(browser.get("seaworthyConsole.counts.windows").await, 1);
    same_after_reload(&browser, 395).await;
    browser.close().await;
}
