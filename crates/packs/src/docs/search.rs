//! Search in a pack's documents, without a network: cut at their headings, so that what is found leads to its section.
//!
//! The index is SQLite's full-text search (FTS5), made anew in memory: a pack's documents are few enough, and an index
//! beside them would be one more thing that can be out of date.

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use rusqlite::{Connection, params};

use super::{DocsError, Documents, anchor::Anchors, options, plain};

/// Words around what was found.
const EXCERPT: i32 = 18;
/// What stands around a found word in an excerpt: no section has these, see [`plain`].
const FOUND: [char; 2] = ['\u{1}', '\u{2}'];

/// A section in which all words were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The file, from the pack's folder, with `/`.
    pub document: String,
    /// The document's title.
    pub title: String,
    /// The section's heading; none before the first.
    pub heading: Option<String>,
    /// Where that heading is, as links name it.
    pub anchor: Option<String>,
    /// Some words of it, and whether each stretch is what was looked for.
    pub excerpt: Vec<(String, bool)>,
}

/// A document up to its next heading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Section {
    heading: Option<String>,
    anchor: Option<String>,
    text: String,
}

impl Documents {
    /// Looks for words, best first, at most `limit` sections. Each word may be the beginning of a longer one; case and
    /// accents do not count.
    pub fn search(&self, words: &str, limit: u32) -> Result<Vec<Hit>, DocsError> {
        let query = query(words).ok_or(DocsError::NoWord)?;
        let index = Connection::open_in_memory()?;
        index.execute_batch(
            "CREATE VIRTUAL TABLE section USING fts5(
                 document UNINDEXED, has_heading UNINDEXED, anchor UNINDEXED, title, heading, text,
                 tokenize = 'unicode61 remove_diacritics 2')",
        )?;
        {
            let mut insert = index.prepare("INSERT INTO section VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for path in self.paths() {
                let (title, sections) = sections(&self.text(path)?);
                let title = title.unwrap_or_else(|| path.to_owned());
                for Section { heading, anchor, text } in sections {
                    insert.execute(params![path, heading.is_some(), anchor, title, heading, text])?;
                }
            }
        }
        // Titles and headings say what a section is about.
        let mut found = index.prepare(
            "SELECT document, has_heading, anchor, title, heading, snippet(section, 5, ?2, ?3, '…', ?4)
             FROM section WHERE section MATCH ?1 ORDER BY bm25(section, 0, 0, 0, 8, 4, 1), rowid LIMIT ?5",
        )?;
        let hits = found.query_map(
            params![query, FOUND[0].to_string(), FOUND[1].to_string(), EXCERPT, limit],
            |row| {
                Ok(Hit {
                    document: row.get(0)?,
                    title: row.get(3)?,
                    heading: if row.get(1)? { row.get(4)? } else { None },
                    anchor: row.get(2)?,
                    excerpt: stretches(&row.get::<_, String>(5)?),
                })
            },
        )?;
        Ok(hits.collect::<Result<_, _>>()?)
    }
}

/// The words as the index is asked: each by itself, in quotes, so that none of its signs means anything.
fn query(words: &str) -> Option<String> {
    let words: Vec<String> = words
        .split(|sign: char| !sign.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| format!("\"{word}\"*"))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// A document's title, which is its first heading of the first level, and its sections. Code belongs to the text: people
/// look for commands.
fn sections(text: &str) -> (Option<String>, Vec<Section>) {
    let mut title = None;
    let mut anchors = Anchors::default();
    let mut sections = vec![Section::default()];
    let mut heading: Option<(HeadingLevel, String)> = None;
    for event in Parser::new_ext(text, options()) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, said)) = heading.take() {
                    let anchor = Some(anchors.of(&said));
                    if level == HeadingLevel::H1 && title.is_none() {
                        title = Some(said);
                    } else {
                        sections.push(Section { heading: Some(said), anchor, text: String::new() });
                    }
                }
            }
            // What looks like a tag is shown as the words it is.
            Event::Text(said) | Event::Code(said) | Event::InlineHtml(said) => {
                let into = match (&mut heading, sections.last_mut()) {
                    (Some((_, heading)), _) => heading,
                    (None, Some(section)) => &mut section.text,
                    (None, None) => continue,
                };
                into.extend(said.chars().map(plain));
            }
            Event::SoftBreak | Event::HardBreak => match (&mut heading, sections.last_mut()) {
                (Some((_, heading)), _) => heading.push(' '),
                (None, Some(section)) => section.text.push(' '),
                (None, None) => {}
            },
            Event::End(_) => {
                if let (None, Some(section)) = (&heading, sections.last_mut()) {
                    section.text.push(' ');
                }
            }
            _ => {}
        }
    }
    sections.retain(|section| section.heading.is_some() || !section.text.trim().is_empty());
    // A title alone can be found, too.
    if sections.is_empty() && title.is_some() {
        sections.push(Section::default());
    }
    (title, sections)
}

/// An excerpt, cut where what was looked for begins and ends.
fn stretches(excerpt: &str) -> Vec<(String, bool)> {
    // Marks come in pairs, so every second part is one.
    let parts = excerpt.split(FOUND).enumerate();
    parts.filter(|(_, part)| !part.is_empty()).map(|(at, part)| (part.to_owned(), at % 2 == 1)).collect()
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
