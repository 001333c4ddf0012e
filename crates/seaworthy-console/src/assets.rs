//! What the page is made of: files of this crate, as they are. There is no build step, and nothing is fetched from elsewhere.

use bytes::Bytes;

/// A file that a browser may ask for.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) path: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) text: &'static str,
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// All but the page itself.
pub(crate) const ASSETS: [Asset; 9] = [
    Asset { path: "/console.css", kind: "text/css; charset=utf-8", text: include_str!("../page/console.css") },
    Asset { path: "/console.js", kind: JAVASCRIPT, text: include_str!("../page/console.js") },
    Asset { path: "/dom.js", kind: JAVASCRIPT, text: include_str!("../page/dom.js") },
    Asset { path: "/run.js", kind: JAVASCRIPT, text: include_str!("../page/run.js") },
    Asset { path: "/topology.js", kind: JAVASCRIPT, text: include_str!("../page/topology.js") },
    Asset { path: "/charts.js", kind: JAVASCRIPT, text: include_str!("../page/charts.js") },
    Asset { path: "/lanes.js", kind: JAVASCRIPT, text: include_str!("../page/lanes.js") },
    Asset { path: "/drills.js", kind: JAVASCRIPT, text: include_str!("../page/drills.js") },
    Asset { path: "/icon.svg", kind: "image/svg+xml", text: include_str!("../page/icon.svg") },
];

impl Asset {
    /// A tag that changes with the text: FNV-1a, since it has to tell versions apart and to withstand nobody.
    pub(crate) fn etag(&self) -> String {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        format!("\"{:016x}\"", self.text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
    }
}

/// The page of one run.
pub(crate) fn page(title: &str, run: &str, token: &str) -> Bytes {
    // What is put in is put in once: a title that looks like one of these stays text.
    let page = include_str!("../page/index.html");
    let mut out = String::with_capacity(page.len() + 256);
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else { break };
        match name {
            "title" => out.push_str(&escaped(title)),
            "run" => out.push_str(run),
            "token" => out.push_str(token),
            _ => {}
        }
        rest = after;
    }
    out.push_str(rest);
    Bytes::from(out)
}

/// Text that is safe in an element and in a quoted attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            character if character.is_control() => out.push(' '),
            character => out.push(character),
        }
    }
    out
}

/// What is shown where a page should be and the token is missing. It has no script and no style.
pub(crate) fn locked() -> Bytes {
    Bytes::from_static(
        b"<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Seaworthy: token needed</title>\
          <h1>A token is needed</h1>\
          <p>Open the address with <code>?token=</code> that was said at the start.</p>\
          <p>If you came here by such an address from another page, <a href=\"/\">go on</a>.</p></html>\n",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_text_whatever_is_in_it() {
        let page = page("<script>alert(1)</script> \"{{token}}\" & \u{1b}[31m", "r1", "secret");
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &quot;{{token}}&quot; &amp;  [31m"), "{page}");
        assert_eq!(page.matches("secret").count(), 1, "the token is in one place");
    }

    #[test]
    fn the_page_names_only_files_that_are_there() {
        let page = include_str!("../page/index.html");
        let texts = ASSETS.iter().map(|asset| asset.text).chain([page]);
        for text in texts {
            let is_path = |quoted: &&str| {
                let path = quoted.trim_start_matches('.');
                path.len() > 1
                    && path.starts_with('/')
                    && path.bytes().all(|byte| byte.is_ascii_lowercase() || b"/.".contains(&byte))
            };
            for quoted in text.split(['"', '\'']).filter(is_path) {
                let path = quoted.trim_start_matches('.');
                let known = ASSETS.iter().any(|asset| asset.path == path) || ["/events", "/drills"].contains(&path);
                assert!(known, "{quoted}");
            }
            assert!(!text.contains("innerHTML") && !text.contains("eval("), "text is put in as text");
        }
        let inline = ["<style", " style=", "onclick", "<script>"];
        assert!(inline.iter().all(|inline| !page.contains(inline)), "the policy allows nothing inline");
    }

    #[test]
    fn tags_differ_between_files() {
        let mut tags: Vec<String> = ASSETS.iter().map(Asset::etag).collect();
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), ASSETS.len());
    }
}
