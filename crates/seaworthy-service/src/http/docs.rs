//! The OpenAPI 3.1 description, and a page to try it.

use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderValue, header};

use super::{Response, json, with_type};
use crate::app::App;

const OPENAPI: &str = include_str!("docs/openapi.json");
const PAGE: &str = include_str!("docs/page.html");

pub(super) fn openapi(app: &App) -> Response {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| Bytes::from(OPENAPI.replace("{{version}}", app.version)));
    json(text.clone())
}

pub(super) fn page() -> Response {
    let mut response = with_type(HeaderValue::from_static("text/html; charset=utf-8"), PAGE);
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'",
        ),
    );
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::OPENAPI;
    use crate::http::ROUTES;

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
                methods.map(|method| (path.clone(), method.to_uppercase()))
            })
            .collect();
        let routed: BTreeSet<(String, String)> = ROUTES
            .iter()
            .flat_map(|route| route.methods.iter().map(|(method, _)| (route.template.into(), method.to_string())))
            .collect();
        assert_eq!(described, routed);
    }
}
