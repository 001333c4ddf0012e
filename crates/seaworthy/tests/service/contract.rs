//! The users API, the same on both databases.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use crate::server::{Backend, JSON, Server};

/// Makes each test one for SQLite and one for MariaDB.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            use crate::server::Backend;
            $(#[test] fn $name() { super::$name(&Backend::sqlite()); })+
        }
        mod mariadb {
            use crate::server::Backend;
            $(#[test] fn $name() { super::$name(&Backend::mariadb()); })+
        }
    };
}

on_both!(
    a_user_from_first_to_last,
    changes_need_the_current_tag,
    an_email_is_taken_whatever_its_case,
    the_same_key_is_the_same_request,
    many_at_once_with_one_key_make_one_user,
    pages_and_searches,
    names_are_kept_to_the_letter,
    passwords_are_checked_and_never_shown,
    guesses_are_limited,
    guesses_by_key_are_limited,
    a_hashing_storm_does_not_hold_up_the_greeting,
    replicas_that_start_together,
    a_start_killed_anywhere_starts_again,
    a_tutorials_table_is_taken_over,
);

fn a_user_from_first_to_last(backend: &Backend) {
    let server = backend.start();
    let created = server.create("Ada", "ada@example.org");
    assert_eq!(created.status, 201, "{created:?}");
    let user = created.json();
    // Whether a map of serde_json keeps the order of its text is a feature that another crate's tests may turn on.
    let mut fields: Vec<&String> = user.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["created_at", "email", "id", "name", "updated_at"]);
    let path = created.header("location").unwrap();
    assert_eq!(path, format!("/v1/users/{}", user["id"]));

    let read = server.get(path);
    assert_eq!((read.status, read.json()), (200, user.clone()));
    let tag = read.header("etag").unwrap();
    assert_eq!(created.header("etag"), Some(tag));
    let unchanged = server.request("HEAD", path, &[("if-none-match", tag)], b"");
    assert_eq!((unchanged.status, unchanged.header("content-length")), (304, None));
    let unchanged = server.request("GET", path, &[("if-none-match", &format!("\"x\", W/{tag}"))], b"");
    assert_eq!((unchanged.status, unchanged.body.len(), unchanged.header("etag")), (304, 0, Some(tag)));
    let head = server.request("HEAD", path, &[], b"");
    assert_eq!((head.status, head.header("etag")), (200, Some(tag)));

    let replaced = server.send("PUT", path, &json!({"name": "Ada L.", "email": "ada@example.com"}));
    assert_eq!((replaced.status, &replaced.json()["name"]), (200, &json!("Ada L.")));
    let patched = server.send("PATCH", path, &json!({"name": "Countess"}));
    assert_eq!((patched.status, &patched.json()["email"]), (200, &json!("ada@example.com")));
    assert!(patched.json()["updated_at"].as_str() > user["updated_at"].as_str());
    assert_eq!(patched.json()["created_at"], user["created_at"]);
    let nothing = server.send("PATCH", path, &json!({}));
    assert_eq!((nothing.status, nothing.json()), (200, patched.json()));

    let deleted = server.request("DELETE", path, &[], b"");
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    for (method, body) in [
        ("GET", json!(null)),
        ("DELETE", json!(null)),
        ("PATCH", json!({})),
        ("PUT", json!({"name": "A", "email": "a@b"})),
    ] {
        let gone =
            if body.is_null() { server.request(method, path, &[], b"") } else { server.send(method, path, &body) };
        assert_eq!((gone.status, gone.detail().as_str()), (404, "There is no user with this id."), "{method}");
    }
    let next = server.create("Bob", "bob@example.org").json();
    assert!(next["id"].as_i64() > user["id"].as_i64(), "a number is not given out twice");
}

fn changes_need_the_current_tag(backend: &Backend) {
    let server = backend.start();
    let created = server.create("Ada", "ada@example.org");
    let (path, tag) = (created.header("location").unwrap(), created.header("etag").unwrap());
    let change = |tag: &str, name: &str| {
        let body = json!({"name": name}).to_string();
        server.request("PATCH", path, &[JSON, ("if-match", tag)], body.as_bytes())
    };
    let first = change(tag, "first");
    assert_eq!(first.status, 200, "{first:?}");
    let second = change(tag, "second");
    assert_eq!(second.status, 412);
    assert!(second.detail().contains("If-Match"), "{second:?}");
    assert_eq!(change(&format!("W/{}", first.header("etag").unwrap()), "weak").status, 412);
    assert_eq!(change("*", "any").status, 200);
    assert_eq!(change("no quotes", "x").status, 400);
    let stale = server.request("DELETE", path, &[("if-match", tag)], b"");
    assert_eq!(stale.status, 412);
    assert_eq!(server.get(path).json()["name"], "any");
}

fn an_email_is_taken_whatever_its_case(backend: &Backend) {
    let server = backend.start();
    let ada = server.create("Ada", "Ada@Example.org");
    let again = server.create("Impostor", "ada@example.ORG");
    assert_eq!(again.status, 409);
    assert!(again.detail().contains("email"), "{again:?}");
    // An accent makes another address; some collations think otherwise.
    assert_eq!(server.create("Adá", "adá@example.org").status, 201);
    let bob = server.create("Bob", "bob@example.org");
    let path = bob.header("location").unwrap();
    assert_eq!(server.send("PATCH", path, &json!({"email": "ADA@example.org"})).status, 409);
    assert_eq!(server.get(path).json(), bob.json());
    let own = server.send("PATCH", path, &json!({"email": "BOB@example.org"}));
    assert_eq!(own.status, 200, "one's own email in another case: {own:?}");
    server.request("DELETE", ada.header("location").unwrap(), &[], b"");
    assert_eq!(server.create("Ada", "ada@example.org").status, 201, "a deleted user's email is free");
}

fn create_once(server: &Server, key: &str, body: &Value) -> crate::client::Answer {
    server.request("POST", "/v1/users", &[JSON, ("idempotency-key", key)], body.to_string().as_bytes())
}

fn the_same_key_is_the_same_request(backend: &Backend) {
    let server = backend.start();
    let ada = json!({"name": "Ada", "email": "ada@example.org", "password": "correct horse"});
    let first = create_once(&server, "key-1", &ada);
    assert_eq!(first.status, 201, "{first:?}");
    let taken = json!({"name": "Eve", "email": "ada@example.org"});
    assert_eq!(create_once(&server, "key-2", &taken).status, 409);
    server.kill();

    let server = backend.start();
    let again = create_once(&server, "key-1", &ada);
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!((again.header("location"), again.header("etag")), (first.header("location"), first.header("etag")));
    // The answer is that of the first time, also when the reason for it is gone.
    server.request("DELETE", first.header("location").unwrap(), &[], b"");
    assert_eq!(create_once(&server, "key-2", &taken).status, 409);
    assert_eq!(create_once(&server, "key-1", &ada).body, first.body);
    for other in [
        json!({"name": "Eva", "email": "ada@example.org", "password": "correct horse"}),
        json!({"name": "Ada", "email": "ada@example.org", "password": "another horse"}),
        json!({"name": "Ada", "email": "ada@example.org"}),
    ] {
        let refused = create_once(&server, "key-1", &other);
        assert_eq!(refused.status, 422, "{other}");
        assert!(refused.detail().contains("Idempotency-Key"), "{refused:?}");
    }
    for bad in ["", &"k".repeat(256), "\u{e9}", "two words"] {
        assert_eq!(create_once(&server, bad, &ada).status, 400, "{bad:?}");
    }
    assert!(server.all_users().is_empty());
    assert!(!backend.sql("SELECT * FROM idempotency_keys; SELECT * FROM users").contains("horse"));
}

fn many_at_once_with_one_key_make_one_user(backend: &Backend) {
    let servers = [backend.start(), backend.start()];
    let body = json!({"name": "Ada", "email": "ada@example.org"});
    let answers: Vec<_> = thread::scope(|scope| {
        let all: Vec<_> = (0..16)
            .map(|n| {
                let (server, body) = (&servers[n % 2], &body);
                scope.spawn(move || create_once(server, "key", body))
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (201, &answers[0].body));
    }
    assert_eq!(servers[0].all_users().len(), 1);
}

fn pages_and_searches(backend: &Backend) {
    let server = backend.start();
    let empty = server.get("/v1/users");
    assert_eq!((empty.status, empty.json()), (200, json!({"items": []})));
    for (name, email) in
        [("Ada", "a@x"), ("ÅSA", "åsa@x"), ("100%", "p@x"), ("under_score", "u@x"), ("Zoë", "zoe@ADA.x")]
    {
        assert_eq!(server.create(name, email).status, 201, "{name}");
    }
    let names = |path: &str| -> Vec<String> {
        let page = server.get(path);
        assert_eq!(page.status, 200, "{path}: {page:?}");
        page.json()["items"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("/v1/users"), ["Ada", "ÅSA", "100%", "under_score", "Zoë"]);
    assert_eq!(names("/v1/users?q=ada"), ["Ada", "Zoë"], "in names and emails, whatever the case");
    assert_eq!(names("/v1/users?q=%C3%A5s"), ["ÅSA"]);
    assert_eq!(names("/v1/users?q=zoe"), ["Zoë"], "in the email only: an accent is another letter");
    assert_eq!(names("/v1/users?q=%25"), ["100%"], "no wildcard");
    assert_eq!(names("/v1/users?q=_"), ["under_score"], "no wildcard");
    assert_eq!(names("/v1/users?q=' OR 1=1 --".replace(' ', "+").as_str()), Vec::<String>::new());
    let first = server.get("/v1/users?limit=2").json();
    let next = first["next"].as_str().unwrap();
    assert_eq!(names(&format!("/v1/users?limit=2&after={next}")), ["100%", "under_score"]);
    assert!(server.get("/v1/users?limit=5").json().get("next").is_none(), "the last page has no next");
    for bad in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=-1",
        "after=x",
        "after=-1",
        "after=-0",
        "limit=%2B5",
        "after=99999999999999999999",
        "lmit=5",
        "limit=1&limit=2",
        "q=%00",
        "q=%0a",
    ] {
        let refused = server.get(&format!("/v1/users?{bad}"));
        assert_eq!(refused.status, 422, "{bad}: {refused:?}");
        refused.detail();
    }
}

fn names_are_kept_to_the_letter(backend: &Backend) {
    let server = backend.start();
    let names = [
        "👩🏽‍🚀 Zoë",
        "أمل العربية",
        "שלום",
        "Robert'); DROP TABLE users;--",
        "\" OR \"\"=\"",
        "x' UNION SELECT user_password FROM users --",
        "<script>alert(1)</script>",
        "back\\slash %s %n ${jndi:ldap://x}",
        " spaces around ",
        &"字".repeat(255),
    ];
    for (n, name) in names.iter().enumerate() {
        let created = server.send("POST", "/v1/users", &json!({"name": name, "email": format!("{n}'--@\"x")}));
        assert_eq!(created.status, 201, "{name}: {created:?}");
        let path = created.header("location").unwrap();
        assert_eq!(&server.get(path).json()["name"], name);
        let patched = server.send("PATCH", path, &json!({"name": name.chars().rev().collect::<String>()}));
        assert_eq!(patched.status, 200, "{name}");
    }
    assert_eq!(server.all_users().len(), names.len());
}

fn passwords_are_checked_and_never_shown(backend: &Backend) {
    let server = backend.start_with(&["--log-level", "trace"]);
    let secret = "correct horse battery 🐎";
    let created =
        server.send("POST", "/v1/users", &json!({"name": "Ada", "email": "ada@example.org", "password": secret}));
    assert_eq!(created.status, 201, "{created:?}");
    let path = created.header("location").unwrap();
    let verify = |password: &str| server.send("POST", &format!("{path}/verify"), &json!({"password": password}));
    assert_eq!((verify(secret).status, verify("wrong horse").status), (204, 403));
    let changed = "a new secret horse";
    assert_eq!(server.send("PATCH", path, &json!({"password": changed})).status, 200);
    assert_eq!((verify(changed).status, verify(secret).status), (204, 403));
    assert_eq!(server.send("PATCH", path, &json!({"name": "Countess"})).status, 200);
    assert_eq!(verify(changed).status, 204, "another change leaves the password");
    let without = server.create("Bob", "bob@example.org");
    let bob = format!("{}/verify", without.header("location").unwrap());
    assert_eq!(server.send("POST", &bob, &json!({"password": "anything at all"})).status, 403);
    assert_eq!(server.send("POST", "/v1/users/99999/verify", &json!({"password": "anything"})).status, 404);
    let short = server.send("PATCH", path, &json!({"password": "hunter2"}));
    assert_eq!((short.status, short.text().contains("hunter2")), (422, false));
    let seen = [
        server.get(path).text().to_owned(),
        server.get("/users").text().to_owned(),
        server.log(),
        backend.sql("SELECT * FROM users"),
    ];
    for text in seen {
        assert!(!text.contains("horse") && !text.contains("hunter2"), "{text}");
    }
    assert!(backend.sql("SELECT user_password FROM users WHERE user_id = 1").starts_with("$argon2id$"));
}

fn guesses_are_limited(backend: &Backend) {
    let server = backend.start();
    let body = json!({"name": "Ada", "email": "ada@example.org", "password": "correct horse"});
    let path = format!("{}/verify", server.send("POST", "/v1/users", &body).header("location").unwrap());
    let guess = || server.send("POST", &path, &json!({"password": "wrong horse"}));
    let answers: Vec<_> = (0..12).map(|_| guess()).collect();
    assert!(answers[..10].iter().all(|answer| answer.status == 403), "{answers:?}");
    let refused = answers.last().unwrap();
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait}");
}

/// A repeated create tells whether its password is the first one's, so it is a guess as well.
fn guesses_by_key_are_limited(backend: &Backend) {
    let server = backend.start();
    let guess = |password: &str| {
        let body = json!({"name": "Ada", "email": "ada@example.org", "password": password});
        create_once(&server, "key", &body).status
    };
    assert_eq!(guess("correct horse"), 201);
    let statuses: Vec<u16> = (0..12).map(|_| guess("wrong horse")).collect();
    assert!(statuses[..10].iter().all(|status| *status == 422), "{statuses:?}");
    assert_eq!(statuses[11], 429);
}

fn a_hashing_storm_does_not_hold_up_the_greeting(backend: &Backend) {
    let server = backend.start();
    thread::scope(|scope| {
        let storm: Vec<_> = (0..24)
            .map(|n| {
                let server = &server;
                scope.spawn(move || {
                    let email = format!("{n}@example.org");
                    server
                        .send("POST", "/v1/users", &json!({"name": "n", "email": email, "password": "correct horse"}))
                        .status
                })
            })
            .collect();
        // A hash takes some 20 ms, so many greetings fit before the storm is over, if they are not behind it.
        let mut client = server.connect();
        let mut greetings = 0;
        while storm.iter().any(|one| !one.is_finished()) {
            assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
            greetings += 1;
        }
        assert!(greetings > 24, "{greetings} greetings during 24 hashes");
        for one in storm {
            let status = one.join().unwrap();
            assert!(status == 201 || status == 503, "{status}");
        }
    });
}

fn replicas_that_start_together(backend: &Backend) {
    const WRITERS: usize = 4;
    const WRITES: usize = 200;
    let servers: Vec<Server> = thread::scope(|scope| {
        let starts: Vec<_> = (0..5).map(|_| scope.spawn(|| backend.start())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    // Long enough that a writer who only polls for its turn would starve, and say so to a client.
    thread::scope(|scope| {
        for (n, server) in servers.iter().enumerate() {
            for writer in 0..WRITERS {
                scope.spawn(move || {
                    let mut client = server.connect();
                    for m in 0..WRITES {
                        let body = json!({"name": "n", "email": format!("{n}.{writer}.{m}@example.org")}).to_string();
                        let created = client.request("POST", "/v1/users", &[JSON], body.as_bytes()).unwrap();
                        assert_eq!(created.status, 201, "{created:?}");
                    }
                });
            }
        }
    });
    assert_eq!(servers[0].all_users().len(), servers.len() * WRITERS * WRITES);
    assert_eq!(backend.sql("SELECT version FROM seaworthy_migrations ORDER BY version"), "1\n2\n3\n");
}

fn a_start_killed_anywhere_starts_again(backend: &Backend) {
    use std::process::Stdio;
    let url = backend.url();
    for n in 0..20 {
        let mut child = crate::server::seaworthy()
            .args(["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--database", &url])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // A start takes some 10 ms on SQLite and 100 ms on MariaDB: a spread of moments over all of it. What
        // is asserted below holds whichever of them is hit.
        thread::sleep(Duration::from_millis(n * 6));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let server = backend.start();
    assert_eq!(server.create("Ada", "ada@example.org").status, 201);
    assert_eq!(server.all_users().len(), 1);
}

fn a_tutorials_table_is_taken_over(backend: &Backend) {
    let id = match backend {
        Backend::Sqlite(_) => "INTEGER PRIMARY KEY AUTOINCREMENT",
        // As the tutorial's text has it, on a server whose character set is not ours.
        Backend::MariaDb { .. } => "INT PRIMARY KEY AUTO_INCREMENT",
    };
    let charset = if matches!(backend, Backend::Sqlite(_)) { "" } else { "CHARACTER SET latin1" };
    backend.sql(&format!(
        "CREATE TABLE users(user_id {id}, user_name VARCHAR(255), user_email VARCHAR(255), user_password VARCHAR(255)) {charset};
         INSERT INTO users(user_name, user_email, user_password) VALUES
           ('Ada', 'ada@example.org', 'plain horse'), ('Twin', 'ADA@example.org', 'p-w'), (NULL, NULL, NULL), ('No mail', '', '');"
    ));
    let server = backend.start();
    let users = server.all_users();
    assert_eq!(
        users.iter().map(|user| user["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["Ada", "Twin", "", "No mail"]
    );
    assert!(users[0]["created_at"].as_str().unwrap() > "2026", "{users:?}");
    let stored = backend.sql("SELECT user_password FROM users");
    assert!(!stored.contains("horse") && !stored.contains("p-w"), "{stored}");
    assert_eq!(server.send("POST", "/v1/users/1/verify", &json!({"password": "plain horse"})).status, 204);
    assert_eq!(server.create("Eve", "ada@example.org").status, 409);
    // What the other application writes meanwhile, knowing only its own columns, is shown at once.
    backend.sql(
        "INSERT INTO users(user_name, user_email, user_password) VALUES ('Old style', 'old@example.org', 'late horse')",
    );
    let late = server.all_users().pop().unwrap();
    assert_eq!(late["name"], "Old style");
    assert_eq!(server.send("PATCH", "/v1/users/2", &json!({"name": "Ada's twin 👯"})).status, 200);
    assert_eq!(server.request("DELETE", "/v1/users/3", &[], b"").status, 204);
    server.kill();
    let server = backend.start();
    assert!(!backend.sql("SELECT user_password FROM users").contains("horse"));
    assert_eq!(
        server.send("POST", &format!("/v1/users/{}/verify", late["id"]), &json!({"password": "late horse"})).status,
        204
    );
    assert_eq!(server.get("/v1/users?q=old+style").json()["items"].as_array().unwrap().len(), 1);
}

/// SQLite lets a column hold anything and be declared anyhow.
#[test]
fn an_odd_table_in_sqlite_is_taken_over() {
    let backend = Backend::sqlite();
    backend.sql(
        "CREATE TABLE users(user_id INT PRIMARY KEY, user_name BLOB, user_email TEXT NOT NULL, user_password TEXT NOT NULL);
         INSERT INTO users VALUES (7, CAST('Ada' AS BLOB), 'ada@example.org', CAST('plain horse' AS BLOB))",
    );
    let server = backend.start();
    assert_eq!(server.get("/v1/users/7").json()["name"], "Ada");
    assert_eq!(server.send("POST", "/v1/users/7/verify", &json!({"password": "plain horse"})).status, 204);
    let created = server.create("Bob", "bob@example.org");
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(server.get(created.header("location").unwrap()).json()["id"], 8);
}
