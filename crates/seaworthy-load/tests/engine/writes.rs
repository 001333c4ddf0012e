//! Writes among other requests: what is sent, what is made of the answers, and what is read back.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use http::Method;
use seaworthy_core::{
    audit::{Audit, Harm},
    interval::INTERVAL,
    ledger::Ledger,
};
use seaworthy_load::{
    Plan,
    plan::{Weighted, Workload, WritesPlan},
    read_back::{CleanedUp, read_back},
    template::{Role, Template},
};

use crate::server::{plan, request, run, serve};

/// What a store holds: bodies by their ids.
type Items = Arc<Mutex<BTreeMap<usize, String>>>;

/// What it answers to the request of this number: a status, and headers and a body.
type Answer = (u16, String, String);

/// Reads a request with its body; nothing where the client has closed.
fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return None;
        }
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((head.lines().next().unwrap().to_owned(), String::from_utf8(body).unwrap()))
}

/// A server that answers each request with its line and body by a function; status 0 closes the connection.
fn answering(by: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> SocketAddr {
    serve(move |mut stream, _| {
        while let Some((line, body)) = read(&mut stream) {
            let (status, headers, body) = by(&line, &body);
            if status == 0 {
                return;
            }
            let length = body.len();
            if write!(stream, "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}").is_err() {
                return;
            }
        }
    })
}

fn json(status: u16, body: String) -> Answer {
    (status, "Content-Type: application/json\r\n".into(), body)
}

/// A store that does as it should.
fn store(items: &Items, line: &str, body: &str) -> Answer {
    let mut items = items.lock().unwrap();
    let path = line.split(' ').nth(1).unwrap();
    let id = path.rsplit('/').next().unwrap().parse::<usize>();
    match (line.split(' ').next().unwrap(), id) {
        ("POST", _) => {
            let id = items.len();
            items.insert(id, body.to_owned());
            json(201, format!(r#"{{"id":{id}}}"#))
        }
        ("DELETE", Ok(id)) => json(if items.remove(&id).is_some() { 200 } else { 404 }, "{}".into()),
        (_, Ok(id)) => items.get(&id).map_or_else(|| json(404, "{}".into()), |body| json(200, body.clone())),
        _ if path == "/items" => json(200, format!("[{}]", items.values().cloned().collect::<Vec<_>>().join(","))),
        _ => json(200, "{}".into()),
    }
}

/// So many requests, half of them writes.
fn writing(to: SocketAddr, requests: u64, more: impl FnOnce(&mut WritesPlan)) -> Plan {
    let mut plan = plan(to, requests);
    let like = request(Method::GET, &format!("http://{to}/"));
    let template = |text, role| Template::parse(text, role).unwrap();
    let mut writes = WritesPlan {
        requests: Arc::new([Weighted { request: like.clone(), weight: 1 }]),
        like,
        share: 0.5,
        write: template(r#"POST /items {"name":"{key}"}"#, Role::Write),
        read: template("GET /items/{id}", Role::Read),
        list: None,
        delete: None,
        id_field: None,
        run: "swtest".into(),
    };
    more(&mut writes);
    plan.workload = Workload::Writes(Arc::new(writes));
    plan
}

/// What a plan comes to, read back.
fn followed(plan: &Plan) -> (Ledger, CleanedUp) {
    let (_, ended) = run(plan.clone());
    let mut ledger = ended.ledger.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cleaned = runtime.block_on(read_back(plan, &mut ledger, Duration::from_secs(20))).unwrap();
    (ledger, cleaned)
}

fn audited(plan: &Plan) -> Audit {
    followed(plan).0.audit()
}

#[test]
fn what_is_kept_is_found_and_taken_away() {
    let items = Items::default();
    let held = Arc::clone(&items);
    let server = answering(move |line, body| store(&held, line, body));
    let plan = writing(server, 60, |writes| {
        writes.list = Some(Template::parse("GET /items", Role::List).unwrap());
        writes.delete = Some(Template::parse("DELETE /items/{id}", Role::Delete).unwrap());
    });
    let (ledger, cleaned) = followed(&plan);
    let audit = ledger.audit();
    assert!((10..=50).contains(&audit.acknowledged), "{audit:?}");
    assert_eq!(
        (audit.kept, audit.lost, audit.unverified, audit.duplicated),
        (audit.acknowledged, 0, 0, 0),
        "{audit:?}"
    );
    assert_eq!((cleaned.deleted, cleaned.left), (audit.acknowledged, 0));
    assert!(items.lock().unwrap().is_empty());
    assert!(audit.first.is_some_and(|first| first.since_start() < 10 * INTERVAL), "{audit:?}");
}

#[test]
fn what_is_gone_is_lost_and_who_acknowledged_it_is_known() {
    let items = Items::default();
    let held = Arc::clone(&items);
    let server = answering(move |line, body| store(&held, line, body));
    let plan = writing(server, 60, |_| {});
    let (_, ended) = run(plan.clone());
    let mut ledger = ended.ledger.unwrap();
    items.lock().unwrap().retain(|id, _| id % 3 != 0);
    let gone = ledger.audit().acknowledged.div_ceil(3);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(read_back(&plan, &mut ledger, Duration::from_secs(20))).unwrap();
    let audit = ledger.audit();
    assert_eq!((audit.lost, audit.kept, audit.stale), (gone, audit.acknowledged - gone, 0), "{audit:?}");
    for harmed in &audit.harmed {
        assert_eq!((harmed.harm, harmed.endpoint, &*harmed.read), (Harm::Lost, Some(server), "404"));
        assert!(harmed.key.starts_with("swtest") && harmed.id.is_some());
    }
}

#[test]
fn what_is_refused_unknown_or_acknowledged_is_told_apart() {
    let items = Items::default();
    let held = Arc::clone(&items);
    let server = answering(move |line, body| {
        if !line.starts_with("POST") {
            return store(&held, line, body);
        }
        let number = held.lock().unwrap().len();
        let stored = store(&held, line, body);
        match number % 5 {
            // It did it, and says that it failed; it did it, and says nothing.
            0 => json(500, "{}".into()),
            1 => (0, String::new(), String::new()),
            2 => json(409, "{}".into()),
            3 => (201, format!("Location: /items/{number}\r\n"), String::new()),
            _ => stored,
        }
    });
    let audit = audited(&writing(server, 100, |writes| {
        writes.share = 1.0;
        writes.list = Some(Template::parse("GET /items", Role::List).unwrap());
    }));
    assert_eq!((audit.unknown, audit.refused, audit.acknowledged), (40, 20, 40), "{audit:?}");
    // What was never answered has no id, and is found in the list.
    assert_eq!((audit.recovered, audit.not_executed, audit.kept), (40, 0, 40), "{audit:?}");
    // Each was sent once, however it ended.
    assert_eq!(items.lock().unwrap().len(), 100);
}

#[test]
fn what_cannot_be_read_is_tried_three_times_and_then_unverified() {
    let reads = Arc::new(Mutex::new(BTreeMap::<String, u32>::new()));
    let (items, tried) = (Items::default(), Arc::clone(&reads));
    let server = answering(move |line, body| {
        if line.starts_with("GET /items/") {
            let times = {
                let mut tried = tried.lock().unwrap();
                let times = tried.entry(line.to_owned()).or_default();
                *times += 1;
                *times
            };
            // Of every second one the third read does better.
            let even = line.split(' ').nth(1).unwrap().ends_with(['0', '2', '4', '6', '8']);
            return if even && times == 3 { store(&items, line, body) } else { json(503, "{}".into()) };
        }
        store(&items, line, body)
    });
    let audit = audited(&writing(server, 20, |writes| writes.share = 1.0));
    assert_eq!((audit.kept, audit.unverified, audit.lost), (10, 10, 0), "{audit:?}");
    let reads = reads.lock().unwrap();
    // Beside them a record is read that was never written.
    let numbered = |line: &str| line.starts_with(|c: char| c.is_ascii_digit());
    let (written, never): (Vec<_>, Vec<_>) =
        reads.iter().partition(|(line, _)| line.split("/items/").nth(1).is_some_and(numbered));
    assert!(written.len() == 20 && written.iter().all(|(_, times)| **times == 3), "{reads:?}");
    assert_eq!(never.len(), 1, "{reads:?}");
}

#[test]
fn an_answer_without_the_key_is_another_record() {
    let items = Items::default();
    let server = answering(move |line, body| {
        if line.starts_with("GET /items/") {
            json(200, r#"{"name":"other"}"#.into())
        } else {
            store(&items, line, body)
        }
    });
    let audit = audited(&writing(server, 10, |writes| writes.share = 1.0));
    assert_eq!((audit.lost, audit.kept), (10, 0), "{audit:?}");
    assert_eq!(audit.harmed[0].read, "200, without the key");
}
