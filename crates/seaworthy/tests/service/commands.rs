//! The command line: what is said to somebody who got it wrong, and to somebody who is new.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::{Output, Stdio},
};

use crate::{
    mariadb::MariaDb,
    server::{Backend, Server, eventually, seaworthy},
};

fn run(args: &[&str], environment: &[(&str, &str)]) -> Output {
    seaworthy().args(args).envs(environment.iter().copied()).output().expect("the binary runs")
}

#[test]
fn a_bad_setting_stops_the_start_with_one_line() {
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let cases: &[Case<'_>] = &[
        (
            &["--listen", "nonsense"],
            &[],
            r#"--listen: "nonsense" is not an address with a port; give one such as 127.0.0.1:8080"#,
        ),
        (&[], &[("SEAWORTHY_LISTEN", "8080")], r#"SEAWORTHY_LISTEN: "8080" is not an address"#),
        (&[], &[("PORT", "http")], r#"PORT: "http" is not a port; give a number"#),
        (&["--drain", "soon"], &[], r#"--drain: "soon" is not a duration; give one such as 5s"#),
        (&["--drain", "-5s"], &[], "is not a duration"),
        (&["--max-connections", "0"], &[], "is not a whole number of at least 1"),
        (&["--max-header-bytes", "100"], &[], "is not a whole number of at least 8192"),
        (
            &["--database", "postgres://u:hunter2@h/d"],
            &[],
            "--database: the URL is not a database; give sqlite:PATH or mysql://",
        ),
        (&[], &[("DATABASE_URL", "mysql://u:hunter2@h:x/d")], "DATABASE_URL: the URL is not a MySQL URL; give"),
        (&["--database", "sqlite:a.db", "--database-password-file", "/x"], &[], "SQLite has no password"),
        (&[], &[("MYSQL_SERVICE_HOST", "db"), ("db_root_password", "hunter2")], "db_name is not; name the database"),
        (&["--log", "xml"], &[], "give text or json"),
        (&["--log-level", "loud=very"], &[], "is not a level"),
        (&["--log-level", "warning"], &[], "is not a level; give error, warn"),
        (&["--database", "users.db"], &[], r#"--database: "users.db" is not a database; give sqlite:PATH"#),
        (&[], &[("SEAWORTHY_API_TOKENS_FILE", "")], "is empty; name a file, or leave it out"),
        (&["--keep-alive", "0"], &[], "is too short"),
        (&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://u:hunter2@c")], "the URL is not a plain http URL"),
        (&["--reload-interval", "1ms"], &[], "is too short; give at least 100ms"),
        (&[], &[("MYSQL_SERVICE_HOST", "db")], "db_name is not; name the database"),
        (&["--tls-cert", "/x"], &[], "both --tls-cert and --tls-key"),
        (&["--replica", "zwei Wörter"], &[], "give visible ASCII characters"),
        (&[], &[("SEAWORTHY_ALLOW_ANONYMOUS", "perhaps")], "give true or false"),
        (&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector")], "is not a plain http URL"),
    ];
    for (args, environment, says) in cases {
        let done = run(&[&["serve"], *args].concat(), environment);
        let error = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{args:?} {environment:?}: {error}");
        assert!(error.starts_with("seaworthy: ") && error.contains(says), "{args:?} {environment:?}: {error}");
        assert!(error.lines().count() == 1 && !error.contains("hunter2"), "{error}");
        assert!(done.stdout.is_empty());
    }
}

#[test]
fn what_cannot_run_says_why() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::TempDir::new().unwrap();
    let missing = dir.path().join("missing").display().to_string();
    let cases: &[(&[&str], &str)] = &[
        (&["--listen", &address], "is already in use; choose another address with --listen, or port 0"),
        (&["--ops-listen", &address], "is already in use; choose another address with --ops-listen"),
        (
            &["--listen", "192.0.2.1:80", "--allow-anonymous", "--max-connections", "18446744073709551615"],
            "cannot listen on 192.0.2.1:80",
        ),
        (&["--listen", "0.0.0.0:0"], "give --api-tokens-file or --client-ca, or say --allow-anonymous"),
        (&["--api-tokens-file", &missing], "--api-tokens-file: cannot read"),
        (&["--database", "sqlite:/tmp"], "--database: /tmp is a folder; name a file in it"),
        (&["--database", "sqlite:/etc/hostname"], "is no SQLite database"),
        (&["--tls-cert", &missing, "--tls-key", &missing], "cannot read"),
    ];
    for (args, says) in cases {
        let mut all = vec!["serve"];
        for (flag, free) in
            [("--listen", "127.0.0.1:0"), ("--ops-listen", "127.0.0.1:0"), ("--database", "sqlite:/nowhere/users.db")]
        {
            if !args.contains(&flag) {
                all.extend([flag, free]);
            }
        }
        all.extend(*args);
        let done = run(&all, &[]);
        let error = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(4), "{args:?}: {error}");
        assert!(error.contains(says) && error.lines().count() == 1, "{args:?}: {error}");
    }
}

#[test]
fn help_names_every_setting_with_its_variable_and_default() {
    let done = run(&["serve", "--help"], &[]);
    let help = String::from_utf8_lossy(&done.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(done.status.success());
    for part in [
        "--listen <ADDR>",
        "[env: SEAWORTHY_LISTEN] [default: 127.0.0.1:8080]",
        "[env: SEAWORTHY_OPS_LISTEN] [default: 127.0.0.1:9090]",
        "[env: DATABASE_URL] [default: sqlite:seaworthy.db]",
        "--allow-anonymous",
        "MYSQL_SERVICE_HOST",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
    assert_eq!(run(&["--version"], &[]).status.code(), Some(0));
    assert_eq!(run(&["swim"], &[]).status.code(), Some(2));
    assert_eq!(run(&["serve", "--lsten", "x"], &[]).status.code(), Some(2));
}

#[test]
fn a_newcomer_is_told_what_to_try() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut child = seaworthy()
        .current_dir(&dir)
        .args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--log-level", "warn"])
        .env("PATH", "/usr/bin:/bin")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stderr.take().unwrap());
    let mut printed = String::new();
    while !printed.contains("Ctrl-C stops it.") {
        assert!(out.read_line(&mut printed).unwrap() > 0, "{printed}");
    }
    // Its commands are run as they are printed, in their order.
    let commands: Vec<String> = printed
        .replace("\\\n", " ")
        .lines()
        .filter(|line| line.trim_start().starts_with("curl "))
        .map(|line| line.trim().replacen("curl", "curl -sS --fail-with-body", 1))
        .collect();
    assert_eq!(commands.len(), 4, "{printed}");
    for (command, says) in
        commands.iter().zip(["Hello World!", r#"{"id":1,"name":"Ada""#, r#""items":[{"id":1,"#, "readyz check passed"])
    {
        let done = std::process::Command::new("sh").args(["-c", command]).output().unwrap();
        let answer = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success() && answer.contains(says), "{command}: {answer}");
    }
    assert!(dir.path().join("seaworthy-data/seaworthy.db").exists());
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    out.read_to_string(&mut printed).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn in_a_tutorials_pod_it_finds_its_database() {
    let mut command = seaworthy();
    let database = MariaDb::shared();
    let name = database.new_name();
    command.env("MYSQL_SERVICE_HOST", database.host()).env("MYSQL_SERVICE_PORT", "3306").env("db_name", &name);
    // What Kubernetes sets where a Service has our name must not be taken for a setting.
    command
        .env("SEAWORTHY_PORT", "tcp://10.0.0.1:80")
        .env("SEAWORTHY_SERVICE_HOST", "10.0.0.1")
        .env("POD_NAME", "api-7");
    let server = Server::start_until("ready", command.arg("serve"));
    let created = server.create("Ada", "ada@example.org");
    assert_eq!((created.status, created.header("x-served-by")), (201, Some("api-7")));
    assert_eq!(database.sql(&name, "SELECT user_name FROM users"), "Ada\n");
}

#[test]
fn a_database_password_comes_from_a_file_and_can_be_rotated() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("password");
    let database = MariaDb::shared();
    let name = database.new_name();
    let set = |password: &str| {
        database.sql(&name, &format!("CREATE OR REPLACE USER 'app_{name}'@'%' IDENTIFIED BY '{password}'; GRANT ALL ON `{name}`.* TO 'app_{name}'@'%'"));
        std::fs::write(&file, format!("{password}\n")).unwrap();
    };
    set("first horse");
    let url = database.url(&name).replace("root@", &format!("app_{name}@"));
    let server = Server::start(&["--database", &url, "--database-password-file", &file.display().to_string()]);
    assert_eq!(server.create("Ada", "ada@example.org").status, 201);
    set("second horse");
    database.sql(&name, &format!("KILL USER 'app_{name}'@'%'"));
    eventually("it connects with the new one", || {
        server.log().matches("the database is there").count() == 2 && server.get("/v1/users").status == 200
    });
    assert!(!server.log().contains("horse"));
}

#[test]
fn tokens_open_the_users_routes_and_nothing_else() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("tokens");
    std::fs::write(&file, "first-token-of-ours\n").unwrap();
    let backend = Backend::sqlite();
    let server = backend.start_with(&[
        "--api-tokens-file",
        &file.display().to_string(),
        "--reload-interval",
        "100ms",
        "--log-level",
        "trace",
    ]);
    let with =
        |token: &str| server.request("GET", "/v1/users", &[("authorization", &format!("Bearer {token}"))], b"").status;
    for path in ["/", "/healthz", "/docs", "/openapi.json"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    for path in ["/v1/users", "/v1/users/1", "/users", "/user/1"] {
        let refused = server.get(path);
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")), "{path}");
    }
    assert_eq!(server.create("Ada", "ada@example.org").status, 401);
    assert_eq!((with("first-token-of-ours"), with("first-token-of-our"), with("")), (200, 401, 401));
    // A file that is half written or wrong leaves the old tokens in force.
    std::fs::write(&file, "short\n").unwrap();
    server.await_line(|line| line["message"].as_str().is_some_and(|message| message.contains("not usable")));
    assert_eq!(with("first-token-of-ours"), 200);
    std::fs::write(&file, "second-token-of-ours\n").unwrap();
    eventually("the new one opens", || with("second-token-of-ours") == 200);
    assert_eq!(with("first-token-of-ours"), 401);
    assert!(!server.log().contains("token-of-ours"), "no token is logged");
}
