//! `POST /drills`: from the page to the owner.

use seaworthy_console::{Answer as Said, Command, Settings};
use seaworthy_core::event::Replica;

use crate::client::{Answer, ask, console, page_token};

/// As the page asks.
async fn drill(address: std::net::SocketAddr, token: &str, body: &str) -> Answer {
    let origin = format!("http://{address}");
    let headers = [("content-type", "application/json"), ("origin", origin.as_str()), ("x-seaworthy-token", token)];
    ask(address, "POST", "/drills", &headers, body.to_owned()).await
}

#[tokio::test]
async fn each_command_reaches_the_owner_and_its_answer_the_page() {
    let (console, mut asked) = console(Settings::default());
    let address = console.address();
    let token = page_token(address).await;
    let owner = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(one) = asked.recv().await {
            assert_eq!(one.by, "127.0.0.1");
            all.push(one.command);
            let n = all.len() as u64;
            let answer = if n == 5 { Said::Refused("A drill is under way.".to_owned()) } else { Said::Accepted(n) };
            one.answer.send(answer).unwrap();
        }
        all
    });
    for (n, body) in [
        r#"{"drill":"rollout"}"#,
        r#"{"drill":"kill","replica":2}"#,
        r#"{"drill":"freeze","replica":3,"seconds":5}"#,
        r#"{"drill":"scale","replicas":8}"#,
    ]
    .iter()
    .enumerate()
    {
        let answer = drill(address, &token, body).await;
        assert_eq!((answer.status.as_u16(), answer.body), (202, format!("{{\"id\":{}}}", n + 1)), "{body}");
    }
    let refused = drill(address, &token, r#"{"drill":"bad-release"}"#).await;
    assert_eq!((refused.status.as_u16(), refused.detail().as_str()), (409, "A drill is under way."));
    console.close().await;
    let expected = [
        Command::RollOut {},
        Command::Kill { replica: Replica(2) },
        Command::Freeze { replica: Replica(3), seconds: 5 },
        Command::Scale { replicas: 8 },
        Command::BadRelease {},
    ];
    assert_eq!(owner.await.unwrap(), expected);
}

#[tokio::test]
async fn what_is_no_drill_is_told_why_and_reaches_nobody() {
    let (console, mut asked) = console(Settings::default());
    let address = console.address();
    let token = page_token(address).await;
    let large = format!(r#"{{"drill":"rollout{}"}}"#, "x".repeat(2000));
    for (body, status, why) in [
        ("", 422, "no drill"),
        ("null", 422, "no drill"),
        ("{", 422, "no drill"),
        (r#"{"drill":"reboot"}"#, 422, "unknown variant"),
        (r#"{"drill":"kill"}"#, 422, "replica"),
        (r#"{"drill":"kill","replica":-1}"#, 422, "invalid value"),
        (r#"{"drill":"kill","replica":4294967296}"#, 422, "invalid value"),
        (r#"{"drill":"kill","replica":1,"now":true}"#, 422, "unknown field"),
        (r#"{"drill":"rollout","replica":1}"#, 422, "unknown field"),
        (r#"{"drill":"kill","replica":1,"replica":2}"#, 422, "duplicate"),
        (r#"{"drill":"freeze","replica":1,"seconds":0}"#, 422, "1 to 60"),
        (r#"{"drill":"freeze","replica":1,"seconds":61}"#, 422, "1 to 60"),
        (r#"{"drill":"scale","replicas":0}"#, 422, "1 to 8"),
        (r#"{"drill":"scale","replicas":9}"#, 422, "1 to 8"),
        (r#"{"drill":"rollout"}{}"#, 422, "trailing"),
        (&large, 413, "1,024"),
    ] {
        let answer = drill(address, &token, body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
        assert!(answer.detail().contains(why) && !answer.detail().contains('\n'), "{body}: {}", answer.detail());
    }
    assert!(asked.try_recv().is_err());
}

#[tokio::test]
async fn an_owner_that_does_not_answer_is_busy_and_one_that_is_gone_is_gone() {
    let (console, mut asked) = console(Settings::default());
    let address = console.address();
    let token = page_token(address).await;
    let rollout = r#"{"drill":"rollout"}"#;
    // The channel of these tests has two places.
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let token = token.clone();
            tokio::spawn(async move { drill(address, &token, rollout).await })
        })
        .collect();
    while asked.len() < 2 {
        tokio::task::yield_now().await;
    }
    let busy = drill(address, &token, rollout).await;
    assert_eq!((busy.status.as_u16(), busy.header("retry-after")), (503, "1"), "{}", busy.body);
    asked.recv().await.unwrap().answer.send(Said::Accepted(1)).unwrap();
    drop(asked.recv().await.unwrap());
    let mut statuses = Vec::new();
    for one in waiting {
        statuses.push(one.await.unwrap().status.as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 503], "one was taken, one was dropped without an answer");
    drop(asked);
    let gone = drill(address, &token, rollout).await;
    assert_eq!(gone.status, 503);
    assert!(gone.detail().contains("over"), "{}", gone.detail());
}

#[tokio::test]
async fn a_page_of_somebody_else_cannot_ask() {
    let (console, mut asked) = console(Settings::default());
    let address = console.address();
    let token = page_token(address).await;
    let origin = format!("http://{address}");
    let (json, kind) = ("application/json", "content-type");
    let good = [(kind, json), ("origin", origin.as_str()), ("x-seaworthy-token", token.as_str())];
    let without = |name: &str| good.iter().copied().filter(|(other, _)| *other != name).collect::<Vec<_>>();
    let but = |name: &'static str, value: &'static str| {
        let mut headers = without(name);
        headers.push((name, value));
        headers
    };
    for (what, headers, status) in [
        ("a form", but(kind, "application/x-www-form-urlencoded"), 415),
        ("text, as a form may send", but(kind, "text/plain"), 415),
        ("no type", without(kind), 415),
        ("another origin", but("origin", "http://evil.example"), 403),
        ("another port of this machine", but("origin", "http://127.0.0.1:1"), 403),
        ("a sandboxed page", but("origin", "null"), 403),
        ("nothing says which page", without("origin"), 403),
        ("no token", without("x-seaworthy-token"), 403),
        ("a wrong token", but("x-seaworthy-token", "00000000000000000000000000000000"), 403),
        ("a cross-site fetch", but("sec-fetch-site", "cross-site"), 403),
        ("a same-site fetch", but("sec-fetch-site", "same-site"), 403),
        ("typed by somebody", but("sec-fetch-site", "none"), 403),
        ("a rebound name", but("host", "evil.example"), 421),
    ] {
        let answer = ask(address, "POST", "/drills", &headers, r#"{"drill":"rollout"}"#).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.body);
        let why = answer.detail();
        assert!(!why.is_empty() && !why.contains('\n') && !why.contains(&token), "{what}: {why}");
    }
    assert!(asked.try_recv().is_err(), "none of them reached the owner");
}
