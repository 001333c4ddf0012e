//! What is answered to whom.

use seaworthy_console::Settings;

use crate::client::{ask, console, get, page_token};

#[tokio::test]
async fn every_answer_says_how_it_may_be_used() {
    let (console, _asked) = console(Settings { title: "<b>one</b>".to_owned(), ..Settings::default() });
    let address = console.address();
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/console.js", 200),
        ("GET", "/console.css", 200),
        ("GET", "/icon.svg", 200),
        ("GET", "/state", 200),
        ("HEAD", "/events", 200),
        ("GET", "/nothing", 404),
        ("GET", "/../Cargo.toml", 404),
        ("GET", "//console.js", 404),
        ("DELETE", "/", 405),
        ("GET", "/drills", 405),
        ("OPTIONS", "/drills", 405),
        ("POST", "/drills", 415),
    ] {
        let answer = ask(address, method, path, &[], "").await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{method} {path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{method} {path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{method} {path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{method} {path}");
        assert!(answer.header("access-control-allow-origin").is_empty(), "no other origin may read it");
        if status >= 400 {
            assert!(!answer.detail().is_empty() && !answer.detail().contains('\n'), "{method} {path}: {answer:?}");
        }
    }
    let page = get(address, "/").await;
    assert_eq!(page.header("cache-control"), "no-store", "there is a token in it");
    assert!(page.body.contains("&lt;b&gt;one&lt;/b&gt;") && !page.body.contains("<b>one"), "{}", page.body);
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let (console, _asked) = console(Settings::default());
    let address = console.address();
    let first = get(address, "/console.js").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && first.body.contains("EventSource"));
    let weak = format!("\"other\", W/{tag}");
    for (known, status) in [(tag.as_str(), 304), (&weak, 304), ("*", 304), ("\"other\"", 200), ("", 200)] {
        let again = ask(address, "GET", "/console.js", &[("if-none-match", known)], "").await;
        assert_eq!(again.status.as_u16(), status, "{known}");
        assert_eq!(again.body.is_empty(), status == 304, "{known}");
        assert_eq!((again.header("etag"), again.header("cache-control")), (tag.as_str(), "no-cache"));
    }
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let (console, _asked) = console(Settings::default());
    let address = console.address();
    for path in ["/", "/console.css", "/state"] {
        let (whole, head) = (get(address, path).await, ask(address, "HEAD", path, &[], "").await);
        assert_eq!(head.header("content-length"), whole.body.len().to_string(), "{path}");
        assert!(head.body.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    let (console, _asked) = console(Settings::default());
    for (method, path, allowed) in
        [("POST", "/", "GET, HEAD"), ("PUT", "/events", "GET, HEAD"), ("GET", "/drills", "POST")]
    {
        let answer = ask(console.address(), method, path, &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allowed), "{method} {path}");
    }
}

#[tokio::test]
async fn the_token_of_the_page_is_another_in_each_run() {
    let ((one, _asked), (other, _asked_too)) = (console(Settings::default()), console(Settings::default()));
    let tokens = (page_token(one.address()).await, page_token(other.address()).await);
    assert_eq!((tokens.0.len(), tokens.1.len()), (32, 32));
    assert_ne!(tokens.0, tokens.1);
    assert!(!format!("{one:?}").contains(&tokens.0), "it is in no log");
}
