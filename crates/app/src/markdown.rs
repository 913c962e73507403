//! Markdown to the closed set of blocks that the window can show. Raw HTML becomes text; links keep only addresses
//! that a browser or mail program opens; images become their description.

use firstlight_contract::markdown::{Block, Inline};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Deeper nesting than this is flattened: no honest document needs it, and the window draws blocks recursively.
const MAX_DEPTH: usize = 24;

/// Parses a document.
pub(crate) fn parse(text: &str) -> Vec<Block> {
    let mut reader = Reader { events: Parser::new_ext(text, Options::empty()), depth: 0 };
    reader.blocks()
}

struct Reader<'a> {
    events: Parser<'a>,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn blocks(&mut self) -> Vec<Block> {
        let mut found = Vec::new();
        let mut loose: Vec<Inline> = Vec::new();
        self.depth += 1;
        while let Some(event) = self.events.next() {
            if let Event::End(_) = event {
                break;
            }
            if let Some(block) = self.block(&event) {
                flush(&mut loose, &mut found);
                found.push(block);
            } else {
                self.inline(event, &mut loose);
            }
        }
        self.depth -= 1;
        flush(&mut loose, &mut found);
        found
    }

    /// `None` if the event does not begin a block. Blocks nested too deep lose their frames, not their text.
    fn block(&mut self, event: &Event<'a>) -> Option<Block> {
        if self.depth > MAX_DEPTH && matches!(event, Event::Start(_)) {
            return Some(Block::Paragraph { inlines: vec![Inline::Text { text: self.flat() }] });
        }
        Some(match event {
            Event::Start(Tag::Heading { level, .. }) => {
                Block::Heading { level: *level as u8, inlines: self.inlines() }
            }
            Event::Start(Tag::Paragraph) => Block::Paragraph { inlines: self.inlines() },
            Event::Start(Tag::List(first)) => {
                let ordered = first.is_some();
                let mut items = Vec::new();
                while let Some(Event::Start(Tag::Item)) = self.events.next() {
                    items.push(self.blocks());
                }
                Block::List { ordered, items }
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                Block::Code { language, text: self.text() }
            }
            Event::Start(Tag::BlockQuote(_)) => Block::Quote { blocks: self.blocks() },
            Event::Start(Tag::HtmlBlock) => Block::Code { language: "html".to_owned(), text: self.text() },
            Event::Rule => Block::Rule,
            _ => return None,
        })
    }

    fn inlines(&mut self) -> Vec<Inline> {
        let mut found = Vec::new();
        self.depth += 1;
        while let Some(event) = self.events.next() {
            if let Event::End(_) = event {
                break;
            }
            self.inline(event, &mut found);
        }
        self.depth -= 1;
        found
    }

    fn inline(&mut self, event: Event<'a>, into: &mut Vec<Inline>) {
        match event {
            Event::Start(_) if self.depth > MAX_DEPTH => {
                let text = self.flat();
                push_text(into, &text);
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => push_text(into, &text),
            Event::Code(text) => into.push(Inline::Code { text: text.to_string() }),
            Event::SoftBreak => push_text(into, " "),
            Event::HardBreak => into.push(Inline::Break),
            Event::Start(Tag::Emphasis) => self.wrapped(into, |inlines| Inline::Emphasis { inlines }),
            Event::Start(Tag::Strong) => self.wrapped(into, |inlines| Inline::Strong { inlines }),
            Event::Start(Tag::Link { dest_url, .. }) => {
                let url = dest_url.to_string();
                if opens_safely(&url) {
                    self.wrapped(into, |inlines| Inline::Link { url, inlines });
                } else {
                    let inlines = self.inlines();
                    into.extend(inlines);
                }
            }
            // An image's text is its description; nothing is loaded. Anything else begins a frame we do not draw.
            Event::Start(_) => {
                let inlines = self.inlines();
                into.extend(inlines);
            }
            _ => {}
        }
    }

    fn wrapped(&mut self, into: &mut Vec<Inline>, wrap: impl FnOnce(Vec<Inline>) -> Inline) {
        let inlines = self.inlines();
        into.push(wrap(inlines));
    }

    /// All the text up to the end of the frame that has just begun, without descending into it.
    fn flat(&mut self) -> String {
        let mut text = String::new();
        let mut open = 1_usize;
        for event in self.events.by_ref() {
            match event {
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                Event::Text(part) | Event::Code(part) | Event::Html(part) | Event::InlineHtml(part) => {
                    text.push_str(&part);
                }
                Event::SoftBreak | Event::HardBreak => text.push(' '),
                _ => {}
            }
            if open == 0 {
                break;
            }
        }
        text
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        for event in self.events.by_ref() {
            match event {
                Event::End(TagEnd::CodeBlock | TagEnd::HtmlBlock) => break,
                Event::Text(part) | Event::Html(part) => text.push_str(&part),
                _ => {}
            }
        }
        text
    }
}

fn flush(loose: &mut Vec<Inline>, into: &mut Vec<Block>) {
    if !loose.is_empty() {
        into.push(Block::Paragraph { inlines: std::mem::take(loose) });
    }
}

fn push_text(into: &mut Vec<Inline>, more: &str) {
    if let Some(Inline::Text { text }) = into.last_mut() {
        text.push_str(more);
    } else {
        into.push(Inline::Text { text: more.to_owned() });
    }
}

fn opens_safely(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    (lower.starts_with("https://") || lower.starts_with("mailto:")) && !url.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Inline {
        Inline::Text { text: text.to_owned() }
    }

    #[test]
    fn reads_what_packs_write() {
        let blocks =
            parse("# Hello\n\nYou are *here*:\n\n1. one\n2. two `x`\n\n> quiet\n\n```sh\ngit\n```\n\n---\n");
        let kinds: Vec<_> = blocks
            .iter()
            .map(|block| match block {
                Block::Heading { .. } => "heading",
                Block::Paragraph { .. } => "paragraph",
                Block::List { .. } => "list",
                Block::Code { .. } => "code",
                Block::Quote { .. } => "quote",
                Block::Rule => "rule",
            })
            .collect();
        assert_eq!(kinds, ["heading", "paragraph", "list", "quote", "code", "rule"]);
        let Block::List { ordered: true, items } = &blocks[2] else { panic!("{blocks:?}") };
        assert_eq!(items.len(), 2);
        assert_eq!(items[0], vec![Block::Paragraph { inlines: vec![text("one")] }]);
    }

    #[test]
    fn d3_hostile_markdown_stays_text() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "[x](JAVASCRIPT:alert(1))",
            "[x](data:text/html,<script>alert(1)</script>)",
            "![x](https://tracker.test/pixel.png)",
            "[x](file:///etc/passwd)",
            "[x](http://plain.test)",
            "<https://a.test\u{0}>",
        ] {
            let json = serde_json::to_string(&parse(hostile)).unwrap();
            assert!(!json.contains("\"link\""), "{hostile} → {json}");
        }
        let link = Inline::Link { url: "https://a.test/".into(), inlines: vec![text("a")] };
        assert_eq!(parse("[a](https://a.test/)"), vec![Block::Paragraph { inlines: vec![link] }]);
    }

    #[test]
    fn deep_nesting_is_flattened_not_followed() {
        let deep = parse(&"> ".repeat(5_000));
        assert!(serde_json::to_string(&deep).is_ok());
        let stars = parse(&format!("{}x{}", "*a ".repeat(2_000), "*".repeat(2_000)));
        assert!(serde_json::to_string(&stars).is_ok());
    }
}
