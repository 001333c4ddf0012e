//! Connections that are kept, names, TLS, and answers that are not what they seem.

use super::{KEEP_ALIVE, RESEND, SERVICE};
use crate::diagnosis::rule::Entry;

pub(in crate::diagnosis) const IDLE_RACE: Entry = Entry {
    explains: "A server closes a connection that was idle for its keep-alive time, and a client uses it in the same \
               moment: the request meets the closing, and gets a reset or an end without an answer. No replica begins or \
               ends. It comes again whenever requests are about that far apart, and more often the slower they are.",
    needs: "Requests over reused connections that ended without a byte of an answer, on a replica that goes on, at least 3 \
            of them after idle times within 10 % of one value (likely); one or two only near a common default (possible).",
    apart: "shutdown-closes-idle-keepalive has a replica that ends. With idle times all over, it is something else.",
    fix: "Let the server keep idle connections for longer than every client and proxy before it, or let these use none \
          that was idle that long; clients: send idempotent requests again.",
    check: "seaworthy trial --drills baseline --fresh 0 -- COMMAND, with a --rate and --connections that leave them idle \
            as long as your clients do: nothing is cut, or sent again.",
    servers: &[
        ("gunicorn", "--keep-alive 75 --worker-class gthread (sync workers keep no connection)"),
        ("uvicorn", "--timeout-keep-alive 75"),
        ("Node", "server.keepAliveTimeout = 75_000; server.headersTimeout = 76_000"),
        ("Go net/http", "http.Server{IdleTimeout: 75 * time.Second}"),
        ("Java/Spring Boot", "server.tomcat.keep-alive-timeout=75s"),
        ("nginx", "keepalive_timeout 75s;"),
        ("actix", ".keep_alive(Duration::from_secs(75))"),
    ],
    source: &[KEEP_ALIVE, RESEND],
};

pub(in crate::diagnosis) const GOAWAY: Entry = Entry {
    explains: "An HTTP/2 server that leaves says so with GOAWAY, and which streams it will still answer. A request that is \
               on its way at that moment is beyond that, and certainly not worked on. A server that names the last stream \
               at once, in place of first announcing it and waiting a round trip, refuses more than it has to.",
    needs: "A request that ended with GOAWAY, or a stream refused by a replica that was ending.",
    apart: "The frame itself says it. A stream that was reset otherwise may have been worked on.",
    fix: "Leave in two steps: GOAWAY with the highest stream number, a round trip, then the last one. Clients: send it \
          again, which is always safe here.",
    check: "seaworthy load --http2 URL, while its server is replaced: nothing is lost to GOAWAY.",
    servers: &[
        ("Go net/http", "srv.Shutdown(ctx) leaves in two steps"),
        ("axum", ".with_graceful_shutdown(sigterm) leaves in two steps"),
    ],
    source: &["GOAWAY: https://www.rfc-editor.org/rfc/rfc9113#section-6.8"],
};

pub(in crate::diagnosis) const PINNING: Entry = Entry {
    explains: "A Service chooses a replica for each connection and not for each request. A few connections that live long \
               spread badly: one replica has several of them and is hot, while the mean over all looks low, so that no \
               autoscaler acts.",
    needs: "For 60 s or more one replica had more than twice its share of the requests over kept connections, which for so \
            many connections chance allows once in 1,000 trials, and a median 3 times that of the others.",
    apart: "slow-replica is slow at its fair share. Fresh connections are spread evenly all the same.",
    fix: "More connections, a bound on their age, or balancing by request (a mesh, or clients that know all addresses).",
    check: "seaworthy trial --drills baseline --connections 50 -- COMMAND: the times of all replicas are alike.",
    servers: &[
        ("gunicorn", "--keep-alive 5 (gthread), so that idle connections are opened again elsewhere"),
        ("Java/Spring Boot", "server.tomcat.max-keep-alive-requests=100"),
        ("nginx", "keepalive_requests 100; keepalive_time 1m;"),
    ],
    source: &[SERVICE],
};

pub(in crate::diagnosis) const NO_REBALANCE: Entry = Entry {
    explains: "Connections that are open stay where they are. After a scale-up only new connections reach the new \
               replicas, so clients that keep theirs bring no relief to the old ones, for minutes or for ever.",
    needs: "A replica that joined by a scale-up and was seen by clients for 60 s had less than a tenth of its share of at \
            least 1,000 requests over kept connections, where so many connections would leave it out once in 1,000 trials \
            by chance. In the balance drill: all new replicas together had less than half of their share, by more than \
            chance (possible where it watched for less than a minute, since connections may have a longer age).",
    apart: "Fresh connections do reach it. connection-pinning needs no scale-up, and is hot.",
    fix: "A bound on the age of connections (or on requests for each), so that they are opened again and spread.",
    check: "seaworthy trial --drills balance --balance 60s --fresh 0 -- COMMAND: clients that only keep their connections \
            reach the new replicas, too.",
    servers: &[
        ("nginx", "keepalive_requests 1000; keepalive_time 1m;"),
        ("Node", "server.maxRequestsPerSocket = 1000"),
        ("Java/Spring Boot", "server.tomcat.max-keep-alive-requests=100"),
        (
            "gunicorn",
            "--max-requests 1000 --max-requests-jitter 100 (a worker that is replaced closes its connections)",
        ),
        ("Go net/http", "w.Header().Set(\"Connection\", \"close\") on one answer of a thousand"),
        ("gRPC", "keepalive.ServerParameters{MaxConnectionAge: time.Minute, MaxConnectionAgeGrace: 10 * time.Second}"),
        ("Envoy", "common_http_protocol_options: {max_connection_duration: 60s}"),
        ("client", "a maximum lifetime in its pool, not only an idle time (Apache HttpClient: setTimeToLive)"),
    ],
    source: &[SERVICE],
};

pub(in crate::diagnosis) const TRUNCATION: Entry = Entry {
    explains: "An answer with neither a length nor chunks ends where its connection does. A process that dies in the \
               middle closes it as well, so that half an answer is, by the rules, a whole one: clients report success. \
               It takes an HTTP/1.0 style of answering, and an end at the wrong moment.",
    needs: "An answer without a length that is shorter than it should be, by what the same request got before.",
    apart: "With a length or chunks a client notices by itself, and it shows as a cut connection.",
    fix: "Send a Content-Length or chunks with each answer; and end gracefully.",
    check: "seaworthy trial --drills rollout,kill -- COMMAND: no answer is without a length.",
    servers: &[
        ("nginx", "proxy_http_version 1.1; towards the application"),
        ("Node", "leave chunking on: no res.useChunkedEncodingByDefault = false"),
    ],
    source: &["Message length: https://www.rfc-editor.org/rfc/rfc9112#section-6.3"],
};

pub(in crate::diagnosis) const ERROR_AS_SUCCESS: Entry = Entry {
    explains: "The answer has a status of success, and an error in its body. Clients, proxies, retries and dashboards go \
               by the status, so nothing counts it as a failure and nothing sends it again. An exception's text that is \
               returned as a page is the usual form.",
    needs: "An answer with a status from 200 to 299 whose body is not as expected.",
    apart: "The status says success. A body that changes for good reasons needs --expect-body or --any-body.",
    fix: "Answer errors with a status that says so: 503 while a dependency is away, 500 for a bug.",
    check: "seaworthy trial --drills rollout,database-restart -- COMMAND: each good status has a good body.",
    servers: &[
        ("gunicorn", "in Flask: return jsonify(error=\"...\"), 503"),
        ("uvicorn", "in FastAPI: raise HTTPException(status_code=503)"),
        ("Node", "res.statusCode = 503"),
        ("Go net/http", "http.Error(w, \"...\", http.StatusServiceUnavailable)"),
        ("Java/Spring Boot", "throw new ResponseStatusException(HttpStatus.SERVICE_UNAVAILABLE)"),
        ("axum", "(StatusCode::SERVICE_UNAVAILABLE, \"...\").into_response()"),
        ("actix", "HttpResponse::ServiceUnavailable().finish()"),
    ],
    source: &["Status codes: https://www.rfc-editor.org/rfc/rfc9110#section-15"],
};

pub(in crate::diagnosis) const DNS: Entry = Entry {
    explains: "The target's name was not resolved, so the request was never sent. A resolver that does not answer costs 5 s \
               a try; a name that is searched for in several domains costs several. Kept connections do not ask, so only \
               new ones are hit.",
    needs: "Requests that ended at looking up the name.",
    apart: "Nothing was connected to: no replica has a part in it.",
    fix: "Look at the resolver first. In a cluster: a trailing dot, NodeLocal DNSCache, and CoreDNS with lameduck.",
    check: "seaworthy load --fresh 100 URL: no request fails at its name.",
    servers: &[],
    source: &["DNS for Services and Pods: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/"],
};

pub(in crate::diagnosis) const TLS_EXPIRED: Entry = Entry {
    explains: "A certificate is past its end, or not valid yet, so new handshakes fail from one second to the next, while \
               connections that are open go on. A rotated certificate that a process read once, at its start, ends like \
               that.",
    needs: "Handshakes that failed, with words that name an expired or not yet valid certificate.",
    apart: "Other words are tls-failure: a name or an authority that does not fit.",
    fix: "Read the certificate again when it is rotated, or roll the replicas; and be told 14 days ahead.",
    check: "seaworthy load --fresh 100 URL: each handshake succeeds.",
    servers: &[("nginx", "nginx -s reload when the files change"), ("Go net/http", "tls.Config{GetCertificate: ...}")],
    source: &["Secrets in volumes and subPath: https://kubernetes.io/docs/concepts/configuration/secret/"],
};

pub(in crate::diagnosis) const TLS: Entry = Entry {
    explains: "The TLS handshake failed, so the request was never sent. The certificate's name, its authority, the \
               protocol's version, or a client's certificate does not fit. A single replica that has not got a rotated \
               certificate yet fails alone.",
    needs: "Handshakes that failed, for any other reason than a certificate's dates.",
    apart: "tls-cert-expired names the dates.",
    fix: "Let the words of the failure lead: name, authority, version, or the client's own certificate.",
    check: "seaworthy load --fresh 100 URL: each handshake succeeds.",
    servers: &[],
    source: &[],
};
