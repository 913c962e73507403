//! Links and pictures in what a pack says: the links lead somewhere, the pictures can be shown and say what they show.
//!
//! Warnings all of them: a link that leads nowhere keeps nobody from their first day, and a machine that received a pack
//! must not stop using it because a newer Firstlight looks closer.

use std::{collections::HashMap, ops::Range};

use firstlight_domain::id::StepId;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::{
    PACK_FILE,
    docs::{Anchors, Documents, ImageError, Target, options, words_of},
    folder::Folder,
    names,
    problem::{ProblemCode, Problems},
    read::Draft,
};

/// Bytes of a document that are looked at.
const MAX_DOCUMENT: usize = 1024 * 1024;

pub(super) fn check(draft: &Draft<'_, '_>, folder: &Folder, problems: &mut Problems<'_>) {
    let steps = || draft.steps.keys().map(StepId::as_str);
    let mut found = Vec::new();
    for step in draft.steps.values() {
        let why = step.step.why.as_deref().map(|why| (why, step.field("why")));
        let text = (step.step.uses == "read").then(|| step.step.with.get("text")?.as_str());
        let text = text.flatten().map(|text| (text, step.locate("text")));
        for (words, span) in why.into_iter().chain(text) {
            found.extend(read(words).into_iter().map(|one| (PACK_FILE.to_owned(), span.clone(), one)));
        }
    }
    for path in folder.files.iter().filter(|path| crate::docs::is_document(path)) {
        // One that cannot be read is said when the folder is hashed.
        let Ok(text) = folder.text(path, MAX_DOCUMENT) else { continue };
        found.extend(read(&text).into_iter().map(|one| (path.clone(), 0..0, one)));
    }
    if found.is_empty() {
        return;
    }
    let mut known = Known {
        documents: Documents::in_folder(folder.clone()),
        headings: HashMap::new(),
        images: HashMap::new(),
    };
    for (file, span, reference) in found {
        let place =
            if file == PACK_FILE { String::new() } else { format!("{file}, line {}: ", reference.line) };
        let mut report = Reporter { problems, span, place };
        match reference.what {
            What::Link => link(&file, &reference.to, &mut known, steps, &mut report),
            What::Image { alt } => image(&file, &reference.to, &alt, &mut known, &mut report),
        }
    }
}

/// What was looked up: a document may name the same thing ten thousand times.
struct Known {
    documents: Documents,
    headings: HashMap<String, Vec<String>>,
    images: HashMap<String, Option<ImageError>>,
}

impl Known {
    fn headings(&mut self, path: &str) -> &[String] {
        let read = || self.documents.text(path).map(|text| headings(&text)).unwrap_or_default();
        self.headings.entry(path.to_owned()).or_insert_with(read)
    }

    fn image(&mut self, path: &str) -> Option<&ImageError> {
        let look = || self.documents.image(path).err();
        self.images.entry(path.to_owned()).or_insert_with(look).as_ref()
    }
}

/// Says what is wrong, where it stands.
struct Reporter<'p, 't> {
    problems: &'p mut Problems<'t>,
    span: Range<usize>,
    place: String,
}

impl Reporter<'_, '_> {
    fn warn(&mut self, code: ProblemCode, message: &str, help: impl Into<String>) {
        let message = format!("{}{message}", self.place);
        self.problems.warning(code, self.span.clone(), message).help(help);
    }
}

fn link<'s, S: Iterator<Item = &'s str>>(
    file: &str,
    to: &str,
    known: &mut Known,
    steps: impl Fn() -> S,
    report: &mut Reporter<'_, '_>,
) {
    match Target::read(file, to) {
        Target::Nowhere => report.warn(
            ProblemCode::DeadLink,
            &format!("the link to `{to}` leads nowhere a reader can go"),
            "link to a document of the pack, to `step:ID`, or to an `https:` or `mailto:` address",
        ),
        Target::Step(id) if steps().any(|step| step == id.as_str()) => {}
        Target::Step(id) => report.warn(
            ProblemCode::DeadLink,
            &format!("there is no step `{id}` for the link to `{to}`"),
            names::did_you_mean(id.as_str(), &steps().collect::<Vec<_>>(), "steps"),
        ),
        // `#heading` in `pack.yaml` itself.
        Target::File { path, .. } if path == PACK_FILE => report.warn(
            ProblemCode::DeadLink,
            &format!("the link to `{to}` leads to no document"),
            "name the document before the `#`",
        ),
        Target::File { path, .. } if !known.documents.has(&path) => {
            let help = match names::nearest(&path, known.documents.paths()) {
                _ if known.documents.is_there(&path) => {
                    "only Markdown files are documents, and none below `templates/`".to_owned()
                }
                Some(near) => format!("did you mean `{near}`?"),
                None => "links are relative to the file they stand in; letter case matters".to_owned(),
            };
            report.warn(ProblemCode::DeadLink, &format!("the link to `{to}` leads to no document"), help);
        }
        Target::File { path, anchor: Some(anchor) } => {
            let headings = known.headings(&path);
            if !headings.contains(&anchor) {
                report.warn(
                    ProblemCode::DeadLink,
                    &format!("`{path}` has no heading `#{anchor}`"),
                    names::did_you_mean(
                        &anchor,
                        &headings.iter().map(String::as_str).collect::<Vec<_>>(),
                        "headings",
                    ),
                );
            }
        }
        Target::Outside(_) | Target::File { anchor: None, .. } => {}
    }
}

fn image(file: &str, to: &str, alt: &str, known: &mut Known, report: &mut Reporter<'_, '_>) {
    match Target::read(file, to) {
        Target::File { path, .. } => {
            if let Some(error) = known.image(&path) {
                report.warn(
                    ProblemCode::BadImage,
                    &error.to_string(),
                    "its description is shown instead; pictures are small PNG, JPEG, GIF or WebP files of the pack",
                );
            }
        }
        Target::Outside(_) | Target::Step(_) | Target::Nowhere => report.warn(
            ProblemCode::BadImage,
            &format!("the picture `{}` is not in the pack and is never loaded", shortened(to)),
            "put it into the pack; its description is shown instead",
        ),
    }
    if alt.trim().is_empty() {
        report.warn(
            ProblemCode::NoDescription,
            &format!("the picture `{}` has no description", shortened(to)),
            "say between the brackets what it shows, for people who do not see it: `![…](…)`",
        );
    }
}

/// A link that carries its content in itself would fill the screen.
fn shortened(to: &str) -> String {
    const MOST: usize = 80;
    let mut short: String = to.chars().take(MOST).collect();
    if short.len() < to.len() {
        short.push('…');
    }
    short
}

/// What a text leads to, or shows.
struct Reference {
    /// From 1.
    line: usize,
    to: String,
    what: What,
}

enum What {
    Link,
    Image { alt: String },
}

fn read(text: &str) -> Vec<Reference> {
    // Most texts are a sentence without any.
    if !text.contains(['[', '<']) {
        return Vec::new();
    }
    let mut found: Vec<Reference> = Vec::new();
    // Descriptions that are still being read: images may lie in images.
    let mut open: Vec<usize> = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for (event, span) in Parser::new_ext(text, options()).into_offset_iter() {
        if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = &event {
            // Events come in the order of the text: no stretch is counted twice.
            let to = span.start.max(counted);
            line += text.get(counted..to).map_or(0, |passed| passed.matches('\n').count());
            counted = to;
            let what = match event {
                Event::Start(Tag::Image { .. }) => {
                    open.push(found.len());
                    What::Image { alt: String::new() }
                }
                _ => What::Link,
            };
            found.push(Reference { line, to: dest_url.to_string(), what });
        } else if let Event::End(TagEnd::Image) = event {
            open.pop();
        } else if let Some(words) = words_of(event) {
            for at in &open {
                if let Some(Reference { what: What::Image { alt }, .. }) = found.get_mut(*at) {
                    alt.push_str(&words);
                }
            }
        }
    }
    found
}

fn headings(text: &str) -> Vec<String> {
    let mut anchors = Anchors::default();
    let mut found = Vec::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, options()) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
            (Event::End(TagEnd::Heading(_)), Some(said)) => {
                found.push(anchors.of(said));
                heading = None;
            }
            (event, Some(said)) => said.extend(words_of(event)),
            (_, None) => {}
        }
    }
    found
}
