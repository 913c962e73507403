//! Markdown to the closed set of blocks that the window can show. Raw HTML becomes text; a link keeps what a browser or
//! mail program opens, a document of the pack that is there, or a step; an image that is no picture of the pack becomes
//! its description.

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    path::Path,
};

use firstlight_contract::markdown::{Block, Inline};
use firstlight_packs::{Anchors, Documents, Target};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// Deeper nesting than this is flattened: no honest document needs it, and the window draws blocks recursively.
const MAX_DEPTH: usize = 24;

/// Where a text stands in a pack, which is what its links are counted from.
pub(crate) struct Place<'a> {
    root: &'a Path,
    file: &'a str,
    /// Listed when the first link asks for them.
    documents: OnceCell<Option<Documents>>,
    /// How large each picture is that may be shown: one is read once, however often it is named.
    images: RefCell<HashMap<String, Option<(u32, u32)>>>,
}

impl<'a> Place<'a> {
    /// A file of the pack in this folder.
    pub(crate) fn new(root: &'a Path, file: &'a str) -> Self {
        Self { root, file, documents: OnceCell::new(), images: RefCell::default() }
    }

    fn documents(&self) -> Option<&Documents> {
        // A folder that cannot be read has nothing to lead to; whoever reads the pack itself says so.
        self.documents.get_or_init(|| Documents::of(self.root).ok()).as_ref()
    }

    fn target(&self, link: &str) -> Option<Target> {
        match Target::read(self.file, link) {
            Target::File { .. } => self.documents()?.followed(self.file, link),
            Target::Nowhere => None,
            target => Some(target),
        }
    }

    /// The picture that an image names, if it may be shown.
    fn image(&self, link: &str, alt: String) -> Option<Inline> {
        let Target::File { path, .. } = Target::read(self.file, link) else { return None };
        let look = || {
            let image = self.documents()?.image(&path).ok()?;
            Some((image.width, image.height))
        };
        let (width, height) = *self.images.borrow_mut().entry(path.clone()).or_insert_with(look).as_ref()?;
        Some(Inline::Image { path, alt, width, height })
    }
}

/// Parses a text that stands in no pack: its links lead outside or nowhere.
pub(crate) fn parse(text: &str) -> Vec<Block> {
    read(text, None)
}

/// Parses a text of a pack.
pub(crate) fn parse_in(text: &str, place: &Place<'_>) -> Vec<Block> {
    read(text, Some(place))
}

fn read(text: &str, place: Option<&Place<'_>>) -> Vec<Block> {
    let events = Parser::new_ext(text, firstlight_packs::markdown_options());
    Reader { events, place, anchors: Anchors::default(), depth: 0 }.blocks()
}

/// The words of a text, without what they look like.
pub(crate) fn words(inlines: &[Inline]) -> String {
    inlines
        .iter()
        .map(|inline| match inline {
            Inline::Text { text } | Inline::Code { text } | Inline::Image { alt: text, .. } => text.clone(),
            Inline::Emphasis { inlines }
            | Inline::Strong { inlines }
            | Inline::Link { inlines, .. }
            | Inline::DocLink { inlines, .. }
            | Inline::StepLink { inlines, .. } => words(inlines),
            Inline::Break => " ".to_owned(),
        })
        .collect()
}

struct Reader<'a, 'p> {
    events: Parser<'a>,
    place: Option<&'p Place<'p>>,
    anchors: Anchors,
    depth: usize,
}

impl<'a> Reader<'a, '_> {
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
                let inlines = self.inlines();
                let anchor = self.place.is_some().then(|| self.anchors.of(&words(&inlines)));
                Block::Heading { level: *level as u8, anchor, inlines }
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
            Event::Start(Tag::Table(_)) => self.table(),
            Event::Rule => Block::Rule,
            _ => return None,
        })
    }

    fn table(&mut self) -> Block {
        let (mut head, mut rows) = (Vec::new(), Vec::new());
        while let Some(Event::Start(row)) = self.events.next() {
            let mut cells = Vec::new();
            while let Some(Event::Start(Tag::TableCell)) = self.events.next() {
                cells.push(self.inlines());
            }
            if matches!(row, Tag::TableHead) {
                head = cells;
            } else {
                rows.push(cells);
            }
        }
        Block::Table { head, rows }
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
            Event::Code(text) => into.push(Inline::Code { text: clean(&text) }),
            Event::SoftBreak => push_text(into, " "),
            Event::HardBreak => into.push(Inline::Break),
            Event::Start(Tag::Emphasis) => self.wrapped(into, |inlines| Inline::Emphasis { inlines }),
            Event::Start(Tag::Strong) => self.wrapped(into, |inlines| Inline::Strong { inlines }),
            Event::Start(Tag::Link { dest_url, .. }) => match self.target(&dest_url) {
                Some(Target::Outside(url)) => self.wrapped(into, |inlines| Inline::Link { url, inlines }),
                Some(Target::File { path, anchor }) => {
                    self.wrapped(into, |inlines| Inline::DocLink { path, anchor, inlines });
                }
                Some(Target::Step(step)) => {
                    self.wrapped(into, |inlines| Inline::StepLink { step: step.to_string(), inlines });
                }
                Some(Target::Nowhere) | None => {
                    let inlines = self.inlines();
                    into.extend(inlines);
                }
            },
            Event::Start(Tag::Image { dest_url, .. }) => {
                let inlines = self.inlines();
                let image = self.place.and_then(|place| place.image(&dest_url, words(&inlines)));
                match image {
                    Some(image) => into.push(image),
                    None => into.extend(inlines),
                }
            }
            // Anything else begins a frame we do not draw.
            Event::Start(_) => {
                let inlines = self.inlines();
                into.extend(inlines);
            }
            _ => {}
        }
    }

    fn target(&self, link: &str) -> Option<Target> {
        match self.place {
            Some(place) => place.target(link),
            None => Some(Target::read("", link)).filter(|target| matches!(target, Target::Outside(_))),
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
                    text.push_str(&clean(&part));
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
                Event::Text(part) | Event::Html(part) => text.push_str(&clean(&part)),
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
        text.push_str(&clean(more));
    } else {
        into.push(Inline::Text { text: clean(more) });
    }
}

/// Nothing that a terminal would act on.
fn clean(text: &str) -> String {
    text.replace(|sign: char| sign.is_control() && !matches!(sign, '\n' | '\t'), " ")
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
                Block::Table { .. } => "table",
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
