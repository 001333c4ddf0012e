//! How a replica ends, and what goes wrong then.

use super::{DEPLOYMENT, ENDPOINTS, KEEP_ALIVE, POD, RESEND};
use crate::diagnosis::rule::Entry;

/// Of the servers that stop accepting at once when they are told to end.
const SLEEP: &str = "lifecycle.preStop.sleep.seconds: 5 in the manifest; it has no delay of its own";

pub(in crate::diagnosis) const REMOVAL_RACE: Entry = Entry {
    explains: "When a pod is deleted, two things begin at once: the kubelet runs the preStop hook and then sends SIGTERM, \
               and the control plane takes the address out of the endpoints. Nothing makes the first wait for the second. \
               A server that closes its listener on SIGTERM refuses new connections until every client's data plane has \
               heard: commonly 0.1 to 3 s, and up to 10 s in large or cloud clusters. One of N new connections is hit \
               meanwhile; connections that are already open are not.",
    needs: "Refused connections to a replica between its SIGTERM and its leaving the clients' view. Proven where direct \
            connections show that its listener was closed, or its process had ended.",
    apart: "Another replica could have answered (else single-replica-gap). The replica is leaving and not starting \
            (else traffic-before-ready), and was told to end (else crash). A time-out in place of a refusal is \
            stale-endpoint-after-teardown.",
    fix: "Keep accepting for longer than clients take to hear of it: a preStop sleep above the propagation delay, with \
          terminationGracePeriodSeconds above the sleep and the longest request together; or the same delay in the \
          application's own handler of SIGTERM.",
    check: "seaworthy trial --drills rollout,terminate --pre-stop 5s -- COMMAND: no connection is refused after SIGTERM.",
    servers: &[
        ("gunicorn", SLEEP),
        ("uvicorn", SLEEP),
        ("Node", "process.on('SIGTERM', () => setTimeout(() => server.close(() => process.exit(0)), 5000))"),
        ("Go net/http", "<-ctx.Done(); time.Sleep(5 * time.Second); srv.Shutdown(context.Background())"),
        ("Java/Spring Boot", SLEEP),
        ("nginx", SLEEP),
        ("axum", ".with_graceful_shutdown(async { sigterm.recv().await; sleep(Duration::from_secs(5)).await })"),
        ("actix", ".disable_signals(), and on SIGTERM sleep 5 s before handle.stop(true).await"),
    ],
    source: &[POD, ENDPOINTS],
};

pub(in crate::diagnosis) const EXIT_ON_SIGTERM: Entry = Entry {
    explains: "The process ends within two seconds of SIGTERM, by its default action or by a handler that exits, without \
               finishing what it works on. Each request in flight on that replica is cut: about rate x mean time of a \
               request / replicas of them for each replacement. As its listener is gone as well, endpoint-removal-race \
               comes with it.",
    needs: "Connections to a replica that were cut between its SIGTERM and the end of its process, at most 2 s later. \
            Proven for requests that had begun before SIGTERM and ended with the process.",
    apart: "grace-period-too-short ends at the deadline, and not at once. accept-queue-discard cuts fresh connections \
            that were never read. crash was told nothing.",
    fix: "On SIGTERM stop taking new work, finish what is in flight, then exit: most servers have it as a handler or a \
          setting.",
    check: "seaworthy trial --drills rollout,terminate -- COMMAND, with a --path that takes a second: none is cut.",
    servers: &[
        ("gunicorn", "--graceful-timeout 25 (above the longest request)"),
        ("uvicorn", "--timeout-graceful-shutdown 25 (above the longest request)"),
        ("Node", "process.on('SIGTERM', () => server.close(() => process.exit(0)))"),
        ("Go net/http", "signal.NotifyContext(ctx, syscall.SIGTERM), then srv.Shutdown(ctx) before main returns"),
        ("Java/Spring Boot", "server.shutdown=graceful, spring.lifecycle.timeout-per-shutdown-phase=25s"),
        ("nginx", "STOPSIGNAL SIGQUIT in the Dockerfile: its SIGTERM is the fast shutdown"),
        ("axum", "axum::serve(listener, app).with_graceful_shutdown(sigterm)"),
        ("actix", "HttpServer::new(app).shutdown_timeout(25)"),
    ],
    source: &[POD],
};

pub(in crate::diagnosis) const ACCEPT_QUEUE_DISCARD: Entry = Entry {
    explains: "The kernel completes a TCP handshake before the application knows of it, and keeps the connection in the \
               listener's accept queue. A server that stops accepting on SIGTERM and closes its listener later leaves \
               those connections behind: the kernel resets them as the listener closes. The client had connected and \
               sent its request, and waited as long as the queue was left alone.",
    needs: "Fresh connections that were reset, without a byte of an answer, while their replica was ending.",
    apart: "A closed connection in place of a reset one had been read (exit-on-sigterm). A reused connection had been \
            accepted long before (shutdown-closes-idle-keepalive).",
    fix: "Let nothing new arrive by then (a preStop sleep), or accept and answer what is in the queue before the listener \
          is closed.",
    check: "seaworthy trial --drills rollout,terminate --pre-stop 5s -- COMMAND: no fresh connection is reset.",
    servers: &[("gunicorn", SLEEP), ("nginx", SLEEP), ("uvicorn", SLEEP)],
    source: &[POD, "listen(2): https://man7.org/linux/man-pages/man2/listen.2.html"],
};

pub(in crate::diagnosis) const IDLE_KEEPALIVE: Entry = Entry {
    explains: "On SIGTERM a graceful server closes the connections that are idle. A client that uses one at that moment \
               has its request meet the closing: a reset, or an end without an answer. Taking the replica out of the \
               endpoints does not help, since pooled connections do not ask again. It hits about one request for each \
               connection and end; those that must not be sent twice are the ones that show.",
    needs: "Requests over reused connections, begun after SIGTERM, that ended without a byte of an answer, up to a second \
            after the process had.",
    apart: "keepalive-idle-race has no replica that ends. exit-on-sigterm cuts requests that had begun before SIGTERM.",
    fix: "After SIGTERM go on answering on kept connections for a while, each answer with `Connection: close` (HTTP/2: \
          GOAWAY), and close only then what is idle. Clients: send idempotent requests again.",
    check: "seaworthy trial --drills rollout,terminate --fresh 0 -- COMMAND: nothing is lost or sent again at SIGTERM.",
    servers: &[
        ("Node", "once SIGTERM came: res.setHeader('Connection', 'close') on each answer, server.close() after 5 s"),
        (
            "Go net/http",
            "once SIGTERM came: w.Header().Set(\"Connection\", \"close\") in a middleware, Shutdown after 5 s",
        ),
        ("nginx", "keepalive_min_timeout 5s; (1.27.4 and later)"),
    ],
    source: &[RESEND, KEEP_ALIVE],
};

pub(in crate::diagnosis) const SIGTERM_IGNORED: Entry = Entry {
    explains: "SIGTERM has no effect, so the replica serves as before until its grace period (30 s unless set) is over, \
               and SIGKILL cuts whatever it has by then. The first process of a container gets no default action: \
               without a handler the kernel drops the signal. A shell or a package manager's wrapper in front of the \
               application swallows it, too. Each replacement takes the whole grace period besides.",
    needs: "Connections cut by the SIGKILL at the end of the grace period, on a replica that has no handler for SIGTERM \
            (proven), or that listened until then (likely).",
    apart: "grace-period-too-short has a handler, or had closed its listener: it was draining.",
    fix: "Let the signal reach the application, and handle it there: exec form, `exec` in scripts, or a small init.",
    check: "seaworthy trial --drills terminate --as-pid-1 -- COMMAND: no SIGKILL, and each replica ends well before its \
            grace period does.",
    servers: &[
        ("gunicorn", "CMD [\"gunicorn\", \"app:app\"] (exec form), or `exec gunicorn ...` in the entrypoint script"),
        ("uvicorn", "CMD [\"uvicorn\", \"app:app\"] (exec form), or `exec uvicorn ...` in the entrypoint script"),
        ("Node", "CMD [\"node\", \"server.js\"] in place of npm start, and a handler for SIGTERM"),
        ("Java/Spring Boot", "ENTRYPOINT [\"java\", \"-jar\", \"/app.jar\"] (exec form)"),
    ],
    source: &[POD, "pid_namespaces(7): https://man7.org/linux/man-pages/man7/pid_namespaces.7.html"],
};

pub(in crate::diagnosis) const GRACE: Entry = Entry {
    explains: "The grace period counts from the deletion, so the preStop hook is part of it. Where hook, drain and the \
               longest request together take longer, SIGKILL comes in the middle of the drain and cuts what is left, \
               all of it in the same moment. Short requests are not hit.",
    needs: "Connections cut by the SIGKILL at the end of the grace period, on a replica that was draining: its listener \
            was closed (proven), or it has a handler for SIGTERM (likely).",
    apart: "sigterm-ignored served as if nothing had been said. A client's own time-out ends each request at its own age.",
    fix: "Raise terminationGracePeriodSeconds above preStop and the longest request together, or bound the time of a \
          request; and let the server's own time-out end the drain first.",
    check: "seaworthy trial --drills terminate --grace 60s -- COMMAND, with a --path that takes as long as the longest \
            request: none is cut, and there is no SIGKILL.",
    servers: &[
        ("gunicorn", "--graceful-timeout 25 with terminationGracePeriodSeconds: 30"),
        ("uvicorn", "--timeout-graceful-shutdown 25 with terminationGracePeriodSeconds: 30"),
        ("Go net/http", "srv.Shutdown with context.WithTimeout(context.Background(), 25*time.Second)"),
        ("Java/Spring Boot", "spring.lifecycle.timeout-per-shutdown-phase=25s"),
        ("nginx", "worker_shutdown_timeout 25s;"),
        ("actix", ".shutdown_timeout(25)"),
    ],
    source: &[POD],
};

pub(in crate::diagnosis) const PRESTOP: Entry = Entry {
    explains: "A preStop hook that fails does not hold anything up: SIGTERM follows at once, and the delay that was \
               configured never takes place. The usual reason is a command that the image does not have, such as `sleep` \
               or `sh` in a distroless one. What is lost looks like endpoint-removal-race or exit-on-sigterm, though the \
               manifest has a hook.",
    needs: "A hook that failed, and connections to that replica that were refused or cut afterwards.",
    apart: "The failed hook is recorded (in a cluster: the event FailedPreStopHook).",
    fix: "Use lifecycle.preStop.sleep, which needs nothing in the image, or see that the command is there and exits with 0.",
    check: "seaworthy trial --drills terminate --pre-stop 5s -- COMMAND: no hook fails, and nothing is refused or cut.",
    servers: &[],
    source: &[POD],
};

pub(in crate::diagnosis) const FORCE_DELETE: Entry = Entry {
    explains: "The replica was deleted with a grace period of 0, so it is killed at once: no hook, no drain. Whatever was \
               in flight on it is cut, and its address may still be used until clients have heard.",
    needs: "Connections cut within 3 s of a deletion whose grace period is 0.",
    apart: "The grace period is 0. Where it is longer the process was asked to end first.",
    fix: "Do not set terminationGracePeriodSeconds to 0, and do not delete with --force. What is in flight cannot be kept \
          otherwise; clients that send idempotent requests again hide it.",
    check: "seaworthy trial --drills terminate --grace 30s -- COMMAND: nothing is cut.",
    servers: &[],
    source: &[POD],
};

pub(in crate::diagnosis) const STALE_ENDPOINT: Entry = Entry {
    explains: "Some client still has the address of a replica that is not there any more. While the address exists its \
               kernel refuses; once it is torn down nothing answers, so connections time out or have no route. It lasts \
               until the slowest data plane has heard: seconds as a rule, longer in large clusters. On one machine an \
               address is never torn down, so that it is seldom seen here.",
    needs: "Connections that timed out or had no route, to a replica that was told to end: likely until clients no longer \
            saw it, possible for 60 s more.",
    apart: "A refusal is endpoint-removal-race: the same cause, earlier. Without a replica that ends it is something else.",
    fix: "Keep the replica for longer than clients take to hear of it (preStop sleep), or make the data plane faster.",
    check: "seaworthy trial --drills rollout,terminate --pre-stop 10s -- COMMAND: no connection times out.",
    servers: &[],
    source: &[ENDPOINTS, DEPLOYMENT],
};
