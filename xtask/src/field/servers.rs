//! The servers: how each is started, and what mends it.

use super::install::Needs;

/// A server as its own documentation starts it, and the same with what mends it.
#[derive(Debug)]
pub(super) struct Server {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// Its name for people.
    pub(super) title: &'static str,
    /// What has to be installed.
    pub(super) needs: Needs,
    /// Says its version.
    pub(super) version: &'static [&'static str],
    /// Flags of the trial of it as it is.
    pub(super) flags: &'static [&'static str],
    /// Starts it.
    pub(super) command: &'static [&'static str],
    /// The line that mends it: a setting of its own, or of its Deployment.
    pub(super) mends: &'static str,
    /// The flags with that.
    pub(super) mended_flags: &'static [&'static str],
    /// Starts it with that.
    pub(super) mended_command: &'static [&'static str],
}

/// Longer than the second that clients take to hear of a change.
const SLEEP: &[&str] = &["--pre-stop", "3s"];
const SLEEP_LINE: &str = "lifecycle.preStop.sleep.seconds: 3";
const CLOSE_LINE: &str =
    "lifecycle.preStop.sleep.seconds: 3, and process.on(\"SIGTERM\", () => server.close()) in the application";

const HTTP_SERVER: &[&str] =
    &["python3", "-m", "http.server", "{port}", "--bind", "127.0.0.1", "-d", "xtask/field/wsgi"];
const FLASK: &[&str] = &["flask", "--app", "xtask/field/flask/app.py", "run", "--port", "{port}"];
const SYNC: &[&str] = &["gunicorn", "--chdir", "xtask/field/wsgi", "app:app", "-b", "127.0.0.1:{port}"];
const GTHREAD: &[&str] =
    &["gunicorn", "--chdir", "xtask/field/wsgi", "app:app", "-b", "127.0.0.1:{port}", "--threads", "4"];
const UVICORN: &[&str] = &["uvicorn", "--app-dir", "xtask/field/asgi", "app:app", "--port", "{port}"];
const HYPERCORN: &[&str] = &["hypercorn", "xtask/field/asgi/app:app", "--bind", "127.0.0.1:{port}"];
// The port is put into the template as its image on Docker Hub does.
const NGINX: &[&str] = &[
    "sh",
    "-c",
    "sed \"s/[$]{PORT}/$PORT/\" xtask/field/nginx/nginx.conf.template > {dir}/nginx.conf && \
     exec nginx -p {dir} -c {dir}/nginx.conf -g 'daemon off;'",
];

// Neither says it by itself.
const HYPERCORN_VERSION: &str = "from importlib.metadata import version; print('Hypercorn', version('hypercorn'))";
const EXPRESS_VERSION: &str = "'Express ' + require('express/package.json').version + ' on Node.js ' + process.version";

/// All of them, in the order of the notes.
#[rustfmt::skip]
pub(super) const SERVERS: &[Server] = &[
    Server { name: "http.server", title: "Python http.server", needs: Needs::Python,
             version: &["python3", "--version"],
             flags: &[], command: HTTP_SERVER, mends: SLEEP_LINE, mended_flags: SLEEP, mended_command: HTTP_SERVER },
    Server { name: "flask", title: "Flask's development server", needs: Needs::Python,
             version: &["flask", "--version"],
             flags: &[], command: FLASK, mends: SLEEP_LINE, mended_flags: SLEEP, mended_command: FLASK },
    Server { name: "gunicorn", title: "gunicorn, sync worker", needs: Needs::Python,
             version: &["gunicorn", "--version"],
             flags: &[], command: SYNC, mends: SLEEP_LINE, mended_flags: SLEEP, mended_command: SYNC },
    Server { name: "gunicorn-gthread", title: "gunicorn, gthread worker", needs: Needs::Python,
             version: &["gunicorn", "--version"],
             flags: &[], command: GTHREAD, mends: SLEEP_LINE, mended_flags: SLEEP, mended_command: GTHREAD },
    Server { name: "uvicorn", title: "uvicorn", needs: Needs::Python,
             version: &["uvicorn", "--version"],
             flags: &[], command: UVICORN, mends: SLEEP_LINE, mended_flags: SLEEP, mended_command: UVICORN },
    Server { name: "hypercorn", title: "Hypercorn", needs: Needs::Python,
             version: &["python3", "-c", HYPERCORN_VERSION],
             flags: &[], command: HYPERCORN, mends: SLEEP_LINE, mended_flags: SLEEP, mended_command: HYPERCORN },
    Server { name: "node", title: "Node.js http", needs: Needs::Node,
             version: &["node", "--version"],
             flags: &[], command: &["node", "xtask/field/node/server.js"],
             mends: CLOSE_LINE, mended_flags: SLEEP,
             mended_command: &["node", "xtask/field/node/server.js", "graceful"] },
    Server { name: "express", title: "Express", needs: Needs::Node,
             version: &["node", "-p", EXPRESS_VERSION],
             flags: &[], command: &["node", "xtask/field/express/server.js"],
             mends: CLOSE_LINE, mended_flags: SLEEP,
             mended_command: &["node", "xtask/field/express/server.js", "graceful"] },
    Server { name: "nginx", title: "nginx", needs: Needs::Nginx, version: &["nginx", "-v"],
             flags: &[], command: NGINX, mends: SLEEP_LINE, mended_flags: SLEEP, mended_command: NGINX },
    Server { name: "go", title: "Go net/http", needs: Needs::Go, version: &["go", "version"],
             flags: &[], command: &["target/tools/go/server"],
             mends: "lifecycle.preStop.sleep.seconds: 3, and server.Shutdown on SIGTERM in the application",
             mended_flags: SLEEP, mended_command: &["target/tools/go/server", "graceful"] },
];
