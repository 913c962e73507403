//! The quickstart of Red Hat Developer Hub: a list of things to look at, in `app-config.yaml`.
//!
//! Source: `app.quickstart` in <https://github.com/redhat-developer/rhdh-plugins> (`config.d.ts` of the plugin) and
//! “Customizing the Quickstart plugin” in the product's documentation. An item with an address is a `link`, one without
//! a `read`. An address on the hub itself counts from `app.baseUrl`.

use serde_json::{Map, Value};

use super::{
    Draft, Format, Source,
    draft::Found,
    tree::{self, Tree, Unreadable},
};

pub(super) struct Rhdh;

impl Format for Rhdh {
    fn name(&self) -> &'static str {
        "rhdh"
    }

    fn places(&self) -> &'static [&'static str] {
        &["app-config.yaml", "app-config-rhdh.yaml"]
    }

    fn is_named(&self, name: &str) -> bool {
        name.starts_with("app-config") && [".yaml", ".yml"].iter().any(|end| name.ends_with(end))
    }

    fn read(&self, source: &Source, draft: &mut Draft<'_>) -> Result<(), Unreadable> {
        let root = tree::yaml(&source.text)?;
        let app = root.get("app");
        let list = app.and_then(|app| app.get("quickstart")).or_else(|| root.get("quickstart"));
        let list = list.ok_or_else(|| (1, "it has no `app.quickstart`".to_owned()))?;
        let base = app.and_then(|app| app.text_of("baseUrl")).unwrap_or_default();
        let mut goal = None;
        for item in list.items() {
            goal = self::item(item, base, draft).or(goal);
        }
        if draft.goal.is_none() {
            draft.goal = goal;
        }
        Ok(())
    }
}

fn item(item: &Tree, base: &str, draft: &mut Draft<'_>) -> Option<usize> {
    let Some(title) = item.text_of("title").filter(|title| !title.trim().is_empty()) else {
        draft.leave(item.line, item.text().unwrap_or("an item"), "it has no title");
        return None;
    };
    let description = item.text_of("description");
    let action = item.get("cta");
    let found = Found { name: title.to_owned(), title: title.to_owned(), ..Found::default() };
    let address = action.and_then(|action| action.text_of("link")).and_then(|link| address(link, base));
    let added = if let Some(address) = address {
        let mut with = Map::from_iter([("url".to_owned(), Value::from(address))]);
        if let Some(text) = action.and_then(|action| action.text_of("text")) {
            with.insert("text".to_owned(), text.into());
        }
        let found = Found { why: description.map(str::to_owned), uses: "link", with, ..found };
        draft.add(item.line, title, found)
    } else {
        if let Some(action) = action {
            let link = action.text_of("link").unwrap_or_default();
            let what = format!("{title}: {} {link}", action.text_of("text").unwrap_or_default());
            draft.leave(action.line, &what, "an address on the hub itself, and `app.baseUrl` is not said");
        }
        let text = description.filter(|text| !text.trim().is_empty()).unwrap_or(title);
        let with = Map::from_iter([("text".to_owned(), Value::from(text))]);
        draft.add(item.line, title, Found { uses: "read", with, ..found })
    };
    if added.is_some() {
        for (name, value) in item.fields() {
            let why = match name.as_str() {
                "title" | "description" | "cta" => continue,
                "roles" => "whom it is for: make a persona of each role",
                "icon" => "steps have no pictures",
                "titleKey" | "descriptionKey" => "a translation that only the plugin has",
                _ => "packs have nothing like it",
            };
            let value_text = value.text().map_or_else(
                || value.items().iter().filter_map(Tree::text).collect::<Vec<_>>().join(", "),
                str::to_owned,
            );
            draft.leave(value.line, &format!("{title}: {name} {value_text}"), why);
        }
        for (name, value) in action.map(Tree::fields).unwrap_or_default() {
            if !matches!(name.as_str(), "text" | "link") {
                draft.leave(
                    value.line,
                    &format!("{title}: cta.{name}"),
                    "a translation that only the plugin has",
                );
            }
        }
    }
    added
}

/// A whole address; a path counts from the hub's own.
fn address(link: &str, base: &str) -> Option<String> {
    let is_web = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    if is_web(link) {
        return Some(link.to_owned());
    }
    let path = link.starts_with('/').then_some(link)?;
    is_web(base).then(|| format!("{}{path}", base.trim_end_matches('/')))
}
