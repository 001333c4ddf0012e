//! `GET /`: the greeting, as text or as JSON.

use http::{HeaderMap, HeaderValue, header};

use super::{Response, json, text};
use crate::app::App;

pub(super) fn greet(app: &App, headers: &HeaderMap) -> Response {
    let mut response = if headers.get(header::ACCEPT).is_some_and(|accept| accept.to_str().is_ok_and(prefers_json)) {
        json(app.greeting.json.clone())
    } else {
        text(app.greeting.text.clone())
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// Whether an `Accept` (RFC 9110, 12.5.1) asks for JSON before text. Between equals the one that is named,
/// and then the one that is named first, wins.
fn prefers_json(accept: &str) -> bool {
    let ranges: Vec<(&str, f32)> = accept.split(',').map(range).collect();
    // How much a type is wanted, how exactly it is named, and where.
    let wanted = |kind: &str| {
        let family = kind.split('/').next().unwrap_or_default();
        [kind.to_owned(), format!("{family}/*"), "*/*".into()].into_iter().enumerate().find_map(|(rank, name)| {
            let place = ranges.iter().position(|(range, _)| range.eq_ignore_ascii_case(&name))?;
            ranges.get(place).map(|(_, quality)| (*quality, rank, place))
        })
    };
    match (wanted("application/json"), wanted("text/plain")) {
        (Some((json, ..)), None) => json > 0.0,
        (Some((json, json_rank, json_place)), Some((text, text_rank, text_place))) => {
            json > text
                || (json.to_bits() == text.to_bits() && json > 0.0 && (json_rank, json_place) < (text_rank, text_place))
        }
        (None, _) => false,
    }
}

fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';');
    let name = parts.next().unwrap_or_default().trim();
    let quality = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
    (name, quality)
}

#[cfg(fuzzing)]
pub(super) fn judge(accept: &str) {
    let _judged = prefers_json(accept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_only_where_it_is_preferred() {
        for accept in [
            "application/json",
            "application/json, text/plain, */*",
            "text/plain;q=0.5, application/*",
            "*/*;q=0.1, Application/JSON",
        ] {
            assert!(prefers_json(accept), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "text/html,*/*;q=0.8",
            "text/plain, application/json",
            "application/json;q=0",
            "application/json;q=0.1, */*",
            "application/xml",
            "q=;,;/",
        ] {
            assert!(!prefers_json(accept), "{accept}");
        }
    }
}
