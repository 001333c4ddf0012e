use http::HeaderValue;

use super::*;

fn guard(local: bool) -> Guard {
    let names = vec!["ship.example".to_owned()];
    Guard {
        local,
        names,
        access: None,
        cookie: "seaworthy-1".to_owned(),
        page: Secret::chosen("0123456789abcdef").unwrap(),
    }
}

fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let name = |name: &str| name.parse::<HeaderName>().unwrap();
    list.iter().map(|(key, value)| (name(key), HeaderValue::from_str(value).unwrap())).collect()
}

#[test]
fn only_names_of_this_server_lead_to_it() {
    for (host, local, open) in [
        ("localhost", true, true),
        ("LOCALHOST:8081", true, true),
        ("127.0.0.1:8081", true, true),
        ("127.8.8.8", true, true),
        ("[::1]:8081", true, true),
        ("ship.example:1", true, true),
        // Another port leads here through a tunnel; a page of another port has another origin, which other rules see.
        ("localhost:9", true, true),
        ("evil.example", false, false),
        ("localhost.evil.example", false, false),
        ("127.0.0.1.evil.example", false, false),
        ("evil.example:8081", false, false),
        ("localhost@evil.example", false, false),
        ("evil.example@localhost", false, false),
        ("192.168.1.5:8081", false, true),
        ("[2001:db8::1]:8081", false, true),
        ("0.0.0.0:8081", false, true),
        ("[::ffff:127.0.0.1]", false, true),
        ("0x7f.1", false, false),
        ("2130706433", false, false),
        ("", false, false),
        ("[::1", false, false),
        ("localhost:", true, true),
    ] {
        let headers = headers(&[("host", host)]);
        let asked = |guard: Guard| guard.host(&Uri::from_static("/"), &headers).is_ok();
        assert_eq!((asked(guard(true)), asked(guard(false))), (local, open), "{host}");
    }
    let two = [("host", "localhost"), ("host", "localhost")];
    let mut both = headers(&two[..1]);
    both.append("host", HeaderValue::from_static("localhost"));
    assert!(guard(true).host(&Uri::from_static("/"), &both).is_err(), "two are one too many");
    let one = headers(&two[..1]);
    assert!(guard(true).host(&Uri::from_static("http://evil.example/"), &one).is_err());
    assert!(guard(true).host(&Uri::from_static("http://localhost/"), &one).is_ok());
}

#[test]
fn pages_of_others_may_link_and_nothing_else() {
    let link = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let frame = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
    let fetch = [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "empty")];
    for (site, path, method, rest, may) in [
        (None, "/state", Method::GET, fetch, true),
        (Some("none"), "/state", Method::GET, link, true),
        (Some("same-origin"), "/events", Method::GET, fetch, true),
        (Some("cross-site"), "/", Method::GET, link, true),
        (Some("same-site"), "/", Method::GET, link, true),
        (Some("cross-site"), "/", Method::POST, link, false),
        (Some("cross-site"), "/", Method::GET, frame, false),
        (Some("cross-site"), "/", Method::GET, fetch, false),
        (Some("cross-site"), "/state", Method::GET, link, false),
        (Some("cross-site"), "/events", Method::GET, fetch, false),
        (Some("same-site"), "/events", Method::GET, fetch, false),
        (Some("nonsense"), "/console.js", Method::GET, fetch, false),
    ] {
        let mut list = rest.to_vec();
        list.extend(site.map(|site| ("sec-fetch-site", site)));
        let uri: Uri = path.parse().unwrap();
        assert_eq!(Guard::site(&uri, &method, &headers(&list)).is_ok(), may, "{site:?} {method} {path} {rest:?}");
    }
}

#[test]
fn a_change_needs_type_origin_and_token() {
    let base =
        [("host", "localhost:1"), ("content-type", "application/json"), ("x-seaworthy-token", "0123456789abcdef")];
    for (more, status) in [
        (&[("origin", "http://localhost:1")][..], None),
        (&[("origin", "http://LOCALHOST:1")], None),
        (&[("sec-fetch-site", "same-origin")], None),
        (&[("sec-fetch-site", "same-origin"), ("origin", "http://localhost:1")], None),
        (&[], Some(403)),
        (&[("origin", "http://localhost:2")], Some(403)),
        (&[("origin", "http://localhost")], Some(403)),
        (&[("origin", "https://localhost:1")], Some(403)),
        (&[("origin", "null")], Some(403)),
        (&[("origin", "")], Some(403)),
        (&[("sec-fetch-site", "same-site"), ("origin", "http://localhost:1")], Some(403)),
        (&[("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")], Some(403)),
        (&[("sec-fetch-site", "none")], Some(403)),
    ] {
        let list: Vec<_> = base.iter().chain(more).copied().collect();
        let refused = guard(true).change(&headers(&list)).err();
        assert_eq!(refused.as_ref().map(|(status, _)| status.as_u16()), status, "{more:?}: {refused:?}");
    }
    for kind in ["text/plain", "application/jsonp", "multipart/form-data; boundary=application/json", ""] {
        let list = [base[0], base[2], ("origin", "http://localhost:1"), ("content-type", kind)];
        assert_eq!(guard(true).change(&headers(&list)).unwrap_err().0, 415, "{kind}");
    }
    let parameters =
        [base[0], base[2], ("origin", "http://localhost:1"), ("content-type", "Application/JSON; charset=utf-8")];
    assert!(guard(true).change(&headers(&parameters)).is_ok());
}
