//! The tutorials' own commands, as they are printed there, with `curl`.

use std::process::Command;

use crate::server::{Backend, Server};

/// Runs a command line of a tutorial, which has `<service_URL>` where the address goes.
fn run(server: &Server, line: &str) -> (String, String) {
    let line =
        line.replace("<service_URL>", &server.address.to_string()).replacen("curl", "curl -s -w '\\n%{http_code}'", 1);
    let done = Command::new("sh").args(["-c", &line]).output().expect("a shell");
    assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    let (body, status) = out.rsplit_once('\n').expect("a status");
    (status.to_owned(), body.to_owned())
}

fn as_printed(backend: &Backend) {
    let server = backend.start();
    let json = r#"-H "Content-Type: application/json" -d"#;
    for (line, status, says) in [
        ("curl <service_URL>".to_owned(), "200", "Hello World!"),
        (
            format!(
                r#"curl {json} '{{"name": "Ada", "email": "ada@example.org", "pwd": "secret"}}' <service_URL>/create"#
            ),
            "200",
            r#""User created successfully!""#,
        ),
        (
            format!(r#"curl {json} '{{"name": "Ada", "email": "ada@example.org"}}' <service_URL>/create"#),
            "400",
            r#""Please provide name, email and pwd""#,
        ),
        ("curl <service_URL>/users".to_owned(), "200", r#"[{"id":1,"name":"Ada","email":"ada@example.org","#),
        ("curl <service_URL>/user/1".to_owned(), "200", r#"{"id":1,"name":"Ada","#),
        ("curl <service_URL>/user/77".to_owned(), "404", "no user with this id"),
        (
            format!(
                r#"curl {json} '{{"name": "Bea", "email": "bea@example.org", "pwd": "pw", "user_id": 1}}' <service_URL>/update"#
            ),
            "200",
            r#""User updated successfully!""#,
        ),
        (
            format!(r#"curl {json} '{{"name": "Bea", "email": "bea@example.org", "pwd": "pw"}}' <service_URL>/update"#),
            "400",
            r#""Please provide id, name, email and pwd""#,
        ),
        (
            format!(
                r#"curl {json} '{{"name": "Bea", "email": "bea@example.org", "pwd": "pw", "user_id": 77}}' <service_URL>/update"#
            ),
            "404",
            "no user with this id",
        ),
        ("curl <service_URL>/user/1".to_owned(), "200", r#"{"id":1,"name":"Bea","email":"bea@example.org","#),
        ("curl <service_URL>/delete/1".to_owned(), "405", "DELETE, POST"),
        ("curl -X DELETE <service_URL>/delete/1".to_owned(), "200", r#""User deleted successfully!""#),
        ("curl -X POST <service_URL>/delete/1".to_owned(), "404", "no user with this id"),
        ("curl <service_URL>/users".to_owned(), "200", "[]"),
    ] {
        let (got, body) = run(&server, &line);
        assert!(got == status && body.contains(says), "{line}: {got} {body}");
    }
}

#[test]
fn on_sqlite() {
    as_printed(&Backend::sqlite());
}

#[test]
fn on_mariadb() {
    as_printed(&Backend::mariadb());
}

#[test]
fn a_list_longer_than_a_page_is_whole() {
    let backend = Backend::sqlite();
    let server = backend.start();
    backend.sql(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500)
         INSERT INTO users(user_name, user_email, search_key) SELECT 'u' || n, n || '@x', 'u' FROM n",
    );
    let all = server.get("/users").json();
    assert_eq!(all.as_array().unwrap().len(), 2500);
}
