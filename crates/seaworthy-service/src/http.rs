//! The HTTP contract: which request is answered by what.
//!
//! [`ROUTES`] is the one list of what there is. The metrics' labels, the `Allow` header and the check of the
//! OpenAPI description are all read from it.

pub(crate) mod answer;
pub(crate) mod auth;
mod body;
mod conditional;
mod docs;
pub(crate) mod edge;
mod greeting;
pub(crate) mod problem;
mod tutorial;
mod users;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request};
use hyper::body::Incoming;

use crate::app::App;
use problem::Problem;

/// Every answer is known whole before it is sent.
pub(crate) type Response = http::Response<answer::Body>;

/// What a handler returns.
type Answer = Result<Response, Problem>;

/// A path and what its methods do.
#[derive(Debug)]
pub(crate) struct Route {
    /// As OpenAPI writes it; at most one parameter, always called `id`.
    pub(crate) template: &'static str,
    pub(crate) methods: &'static [(Method, Action)],
}

/// What a request can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Greet,
    Health,
    OpenApi,
    Docs,
    CreateUser,
    ListUsers,
    GetUser,
    ReplaceUser,
    PatchUser,
    DeleteUser,
    VerifyPassword,
    TutorialCreate,
    TutorialList,
    TutorialGet,
    TutorialUpdate,
    TutorialDelete,
}

/// Every route of the main listener. `GET` answers `HEAD` too.
pub(crate) const ROUTES: &[Route] = &[
    Route { template: "/", methods: &[(Method::GET, Action::Greet)] },
    Route { template: "/healthz", methods: &[(Method::GET, Action::Health)] },
    Route { template: "/openapi.json", methods: &[(Method::GET, Action::OpenApi)] },
    Route { template: "/docs", methods: &[(Method::GET, Action::Docs)] },
    Route { template: "/v1/users", methods: &[(Method::GET, Action::ListUsers), (Method::POST, Action::CreateUser)] },
    Route {
        template: "/v1/users/{id}",
        methods: &[
            (Method::GET, Action::GetUser),
            (Method::PUT, Action::ReplaceUser),
            (Method::PATCH, Action::PatchUser),
            (Method::DELETE, Action::DeleteUser),
        ],
    },
    Route { template: "/v1/users/{id}/verify", methods: &[(Method::POST, Action::VerifyPassword)] },
    Route { template: "/create", methods: &[(Method::POST, Action::TutorialCreate)] },
    Route { template: "/users", methods: &[(Method::GET, Action::TutorialList)] },
    Route { template: "/user/{id}", methods: &[(Method::GET, Action::TutorialGet)] },
    Route { template: "/update", methods: &[(Method::POST, Action::TutorialUpdate)] },
    Route {
        template: "/delete/{id}",
        methods: &[(Method::DELETE, Action::TutorialDelete), (Method::POST, Action::TutorialDelete)],
    },
];

/// [`ROUTES`], ready to be searched.
#[derive(Debug)]
pub(crate) struct Routes(matchit::Router<usize>);

/// What a request's path and method mean.
#[derive(Debug)]
pub(crate) struct Found {
    /// The place in [`ROUTES`]; past the end where there is none.
    pub(crate) route: usize,
    pub(crate) action: Result<Action, Problem>,
    /// The path's parameter, percent-encoded as it was sent.
    pub(crate) id: Option<String>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        let mut router = matchit::Router::new();
        for (place, route) in ROUTES.iter().enumerate() {
            // The templates are literals that a test has inserted before.
            router.insert(route.template, place).expect("the templates of ROUTES do not conflict");
        }
        Self(router)
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Found {
        let Ok(matched) = self.0.at(path) else {
            let problem =
                Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path; GET /docs lists what there is.");
            return Found { route: ROUTES.len(), action: Err(problem), id: None };
        };
        let route = *matched.value;
        let id = matched.params.get("id").map(str::to_owned);
        let methods = ROUTES.get(route).map_or(&[][..], |route| route.methods);
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let action = methods
            .iter()
            .find_map(|(method, action)| (method == wanted).then_some(*action))
            .ok_or_else(|| method_not_allowed(methods));
        Found { route, action, id }
    }
}

/// 405 with the methods that would do (RFC 9110, 15.5.6).
fn method_not_allowed(methods: &[(Method, Action)]) -> Problem {
    let mut allowed: Vec<&str> = methods.iter().map(|(method, _)| method.as_str()).collect();
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    let allowed = allowed.join(", ");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("This path answers {allowed}."))
        .with_header(header::ALLOW, allowed)
}

/// One request on its way to its handler.
pub(crate) struct Exchange {
    pub(crate) app: Arc<App>,
    pub(crate) head: request::Parts,
    pub(crate) body: Incoming,
    pub(crate) id: Option<String>,
}

/// Answers what needs no waiting: no body is read, no database asked.
pub(crate) fn at_once(app: &App, action: Action, headers: &HeaderMap) -> Option<Response> {
    match action {
        Action::Greet => Some(greeting::greet(app, headers)),
        Action::Health => Some(text("ok\n")),
        Action::OpenApi => Some(docs::openapi(app)),
        Action::Docs => Some(docs::page()),
        Action::CreateUser
        | Action::ListUsers
        | Action::GetUser
        | Action::ReplaceUser
        | Action::PatchUser
        | Action::DeleteUser
        | Action::VerifyPassword
        | Action::TutorialCreate
        | Action::TutorialList
        | Action::TutorialGet
        | Action::TutorialUpdate
        | Action::TutorialDelete => None,
    }
}

/// Answers everything about users.
pub(crate) async fn users_route(action: Action, exchange: Exchange) -> Answer {
    exchange.app.tokens.check(&exchange.head.headers)?;
    auth::same_site(&exchange.head)?;
    match action {
        Action::CreateUser => users::create(exchange).await,
        Action::ListUsers => users::list(exchange).await,
        Action::GetUser => users::get(exchange).await,
        Action::ReplaceUser => users::replace(exchange).await,
        Action::PatchUser => users::patch(exchange).await,
        Action::DeleteUser => users::delete(exchange).await,
        Action::VerifyPassword => users::verify(exchange).await,
        Action::TutorialCreate => tutorial::create(exchange).await,
        Action::TutorialList => tutorial::list(exchange).await,
        Action::TutorialGet => tutorial::get(exchange).await,
        Action::TutorialUpdate => tutorial::update(exchange).await,
        Action::TutorialDelete => tutorial::delete(exchange).await,
        Action::Greet | Action::Health | Action::OpenApi | Action::Docs => Err(Problem::internal("not a users route")),
    }
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A 200 in plain text.
pub(crate) fn text(body: impl Into<Bytes>) -> Response {
    with_type(TEXT, body)
}

/// A 200 in JSON.
fn json(body: impl Into<Bytes>) -> Response {
    with_type(JSON, body)
}

/// A 200 in JSON that can be long: it is refused where too much is waiting to be read already.
fn long_json(app: &App, body: Vec<u8>) -> Answer {
    let Some(body) = app.answers.body(body) else {
        return Err(Problem::later("Too many long answers are waiting to be read. Try again."));
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    Ok(response)
}

/// A 200 of any type.
pub(crate) fn with_type(kind: HeaderValue, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(body.into().into());
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// An answer without a body.
fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(answer::Body::default());
    *response.status_mut() = status;
    response
}

/// What the fuzzers call.
#[cfg(fuzzing)]
pub(crate) mod fuzz {
    use std::path::Path;

    pub(crate) fn body(bytes: &[u8]) {
        super::body::judge(bytes);
    }

    pub(crate) fn header(text: &str) {
        super::conditional::judge(text);
        super::greeting::judge(text);
        let _judged = super::auth::Tokens::from_text(Path::new("tokens"), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_found_as_itself() {
        let routes = Routes::new();
        for (place, route) in ROUTES.iter().enumerate() {
            for (method, action) in route.methods {
                let found = routes.find(method, route.template);
                assert_eq!((found.route, found.action.ok()), (place, Some(*action)), "{}", route.template);
            }
        }
    }

    #[test]
    fn a_get_must_not_delete() {
        let found = Routes::new().find(&Method::GET, "/delete/1");
        let problem = found.action.unwrap_err();
        assert_eq!(problem.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(problem.into_response().headers()["allow"], "DELETE, POST");
    }

    #[test]
    fn paths_that_climb_or_hide_find_nothing() {
        for path in
            ["/../etc/passwd", "/v1/users/../../etc/passwd", "/v1/users/1/2", "//", "/v1/users/", "/%2e%2e/x", ""]
        {
            let found = Routes::new().find(&Method::GET, path);
            assert_eq!(found.action.unwrap_err().status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
