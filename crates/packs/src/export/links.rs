//! A text of a pack for those who do not have the pack: what leads to its documents, steps and pictures becomes words.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::{
    PACK_FILE,
    docs::{Target, options},
};

/// Links may stand around pictures, and pictures in descriptions of others: no deeper than this.
const DEEPEST: usize = 8;

/// The text without links and pictures that are only in the pack; their words stay.
pub(super) fn outside(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..DEEPEST {
        let inside = inside(&text);
        if inside.is_empty() {
            break;
        }
        for (whole, words) in inside.into_iter().rev() {
            let words = text.get(words).unwrap_or_default().to_owned();
            text.replace_range(whole, &words);
        }
    }
    text
}

/// The outermost of them: where each stands, and its words.
fn inside(text: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let mut found: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    // How many are open within the one that was found last, itself included.
    let mut open = 0_usize;
    for (event, span) in Parser::new_ext(text, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::Link { ref dest_url, .. } | Tag::Image { ref dest_url, .. }) if open == 0 => {
                let leads_out = matches!(Target::read(PACK_FILE, dest_url), Target::Outside(_));
                if !leads_out || matches!(event, Event::Start(Tag::Image { .. })) {
                    open = 1;
                    found.push((span.clone(), span.start..span.start));
                }
                continue;
            }
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) if open > 0 => open += 1,
            Event::End(TagEnd::Link | TagEnd::Image) if open > 0 => {
                open -= 1;
                continue;
            }
            _ => {}
        }
        if let Some((whole, words)) = found.last_mut().filter(|_| open > 0) {
            let first = words.start == whole.start;
            *words = if first { span } else { words.start..words.end.max(span.end) };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::outside;

    #[test]
    fn only_what_leads_out_of_the_pack_stays_a_link() {
        for (text, expected) in [
            ("See [the *VPN* page](docs/vpn.md#a), then go.", "See the *VPN* page, then go."),
            (
                "[a](https://acme.test) [b](step:git) [c](mailto:c@acme.test)",
                "[a](https://acme.test) b [c](mailto:c@acme.test)",
            ),
            ("![A map](docs/map.png)!", "A map!"),
            ("[![A map](docs/map.png)](docs/map.md)", "A map"),
            ("[![A map](docs/map.png)](https://acme.test)", "[A map](https://acme.test)"),
            ("[](docs/a.md)x ![](b.png)", "x "),
            ("[a][1]\n\n[1]: docs/a.md\n", "a\n\n[1]: docs/a.md\n"),
            ("`[a](docs/a.md)` and <b>", "`[a](docs/a.md)` and <b>"),
            ("nothing [at all] (here)", "nothing [at all] (here)"),
        ] {
            assert_eq!(outside(text), expected, "{text}");
        }
    }

    #[test]
    fn any_nesting_ends() {
        let deep = format!("{}x{}", "![".repeat(500), "](a.png)".repeat(500));
        assert!(outside(&deep).len() <= deep.len());
    }
}
