//! A console that others can reach.

use std::net::TcpListener;

use seaworthy_console::{Console, ConsoleError, Settings};
use tokio::sync::mpsc;

use crate::client::{ask, console, get};

const TOKEN: &str = "a-long-enough-token_1";

fn with_token() -> Settings {
    Settings { token: Some(TOKEN.to_owned()), ..Settings::default() }
}

#[tokio::test]
async fn there_is_no_console_for_others_without_a_token() {
    let build = |address: &str, token: Option<&str>| {
        let settings = Settings { token: token.map(str::to_owned), ..Settings::default() };
        Console::new(TcpListener::bind(address).unwrap(), settings, mpsc::channel(1).0)
    };
    let refused = build("0.0.0.0:0", None).unwrap_err();
    assert!(matches!(refused, ConsoleError::NeedsToken(_)));
    assert!(refused.to_string().contains("--console-token"), "{refused}");
    for short in ["", "secret", "with a space in it", "with;semicolons;in;it"] {
        let refused = build("127.0.0.1:0", Some(short)).unwrap_err();
        assert!(matches!(refused, ConsoleError::BadToken), "{short}");
        assert!(short.is_empty() || !refused.to_string().contains(short));
    }
    assert!(build("127.0.0.1:0", None).is_ok());
    assert!(!format!("{:?}", with_token()).contains(TOKEN), "it is in no log");
}

#[tokio::test]
async fn nothing_is_told_to_who_does_not_know_the_token() {
    let (console, _asked) = console(with_token());
    let address = console.address();
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/console.js"),
        ("GET", "/state"),
        ("GET", "/events"),
        ("GET", "/nothing"),
        ("POST", "/drills"),
        ("GET", "/?token=wrong"),
        ("GET", "/?token="),
        ("GET", "/state?token=a-long-enough-token_1"),
    ] {
        let answer = ask(address, method, path, &[], "").await;
        assert_eq!(answer.status, 401, "{method} {path}");
        assert!(!answer.body.contains("seaworthy-token"), "{method} {path}: {}", answer.body);
        assert!(answer.header("set-cookie").is_empty(), "{method} {path}");
    }
    let port = address.port();
    for wrong in [
        format!("seaworthy-{port}=wrong"),
        format!("seaworthy-{}={TOKEN}", port.wrapping_add(1)),
        format!("xseaworthy-{port}={TOKEN}"),
        TOKEN.to_owned(),
    ] {
        let answer = ask(address, "GET", "/state", &[("cookie", &wrong)], "").await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
}

#[tokio::test]
async fn the_token_in_the_address_becomes_a_cookie_and_leaves_the_address() {
    let (console, _asked) = console(with_token());
    let address = console.address();
    assert_eq!(console.url(), format!("http://{address}/?token={TOKEN}"));
    let welcome = get(address, &format!("/?token={TOKEN}")).await;
    assert_eq!((welcome.status.as_u16(), welcome.header("location")), (303, "/"));
    let cookie = welcome.header("set-cookie");
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    for cookies in [pair.to_owned(), format!("other=1; {pair}"), format!("{pair}; other=1")] {
        assert_eq!(ask(address, "GET", "/", &[("cookie", &cookies)], "").await.status, 200, "{cookies}");
    }
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(ask(address, "GET", "/state", &[("authorization", &bearer)], "").await.status, 200, "for scripts");
}

#[test]
fn outside_of_a_runtime_there_is_an_error_and_no_panic() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = Console::new(listener, Settings::default(), mpsc::channel(1).0).unwrap_err();
    assert!(refused.to_string().contains("runtime"), "{refused}");
}
