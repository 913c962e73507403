//! What a route asks for, takes and gives. Each says it beside its handler, `/openapi.json` tells it, and G4 holds it to it.

use serde_json::{Value, json};

use super::shape::{matching, one_of, text};

pub(super) const JSON: &str = "application/json";

/// What a route is described by, beyond who may use it and how it may answer.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) parameters: Vec<Value>,
    /// The types of body it takes, and their shape.
    pub(super) takes: Option<(&'static [&'static str], Value)>,
    /// What it gives when all went well: types of body, and their shapes.
    pub(super) gives: Vec<(&'static str, Value)>,
    /// What whoever sends it vouches with, all of them, where that is no token of ours.
    pub(super) vouched: &'static [&'static str],
    /// Whether a browser is shown a page where it did not go well.
    pub(super) shows_problems: bool,
}

impl Operation {
    /// One that gives JSON of this shape.
    pub(super) fn gives(shape: Value) -> Self {
        Self { gives: vec![(JSON, shape)], ..Self::gives_nothing() }
    }

    /// One that has nothing to say when all went well.
    pub(super) fn gives_nothing() -> Self {
        Self { parameters: Vec::new(), takes: None, gives: Vec::new(), vouched: &[], shows_problems: false }
    }

    /// One that gives a file of this type; `*/*` where that is told by the answer only.
    pub(super) fn gives_file(kind: &'static str) -> Self {
        Self { gives: vec![(kind, text())], ..Self::gives_nothing() }
    }

    /// One that gives text.
    pub(super) fn gives_text() -> Self {
        Self::gives_file("text/plain")
    }

    /// The same as CSV, if that is asked for.
    pub(super) fn or_csv(mut self) -> Self {
        self.gives.push(("text/csv", text()));
        self.may_ask("query", "format", one_of(&["json", "csv"]))
    }

    /// Takes a body of one of these types.
    pub(super) fn takes(mut self, kinds: &'static [&'static str], shape: Value) -> Self {
        self.takes = Some((kinds, shape));
        self
    }

    /// Has to be told this; `place` is `query`, `path` or `header`.
    pub(super) fn asks(self, place: &str, name: &str, shape: Value) -> Self {
        self.parameter(json!({ "name": name, "in": place, "required": true }), shape)
    }

    /// May be told this.
    pub(super) fn may_ask(self, place: &str, name: &str, shape: Value) -> Self {
        self.parameter(json!({ "name": name, "in": place, "required": false }), shape)
    }

    /// May be told these in the query, within what `shape`, an object, says of them together.
    pub(super) fn may_ask_together(self, name: &str, shape: Value) -> Self {
        let exploded =
            json!({ "name": name, "in": "query", "required": false, "style": "form", "explode": true });
        self.parameter(exploded, shape)
    }

    /// Shows browsers a page where it did not go well.
    pub(super) fn shows_problems(mut self) -> Self {
        self.shows_problems = true;
        self
    }

    fn parameter(mut self, mut parameter: Value, shape: Value) -> Self {
        parameter["schema"] = shape;
        self.parameters.push(parameter);
        self
    }

    /// Is vouched for by these, each a security scheme of [`super::openapi`].
    pub(super) fn vouched(mut self, schemes: &'static [&'static str]) -> Self {
        self.vouched = schemes;
        self
    }
}

/// A name as packs have it.
pub(super) fn name() -> Value {
    matching("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
}

/// A version as packs have it: `SemVer`, whose numbers fit into 64 bits.
pub(super) fn version() -> Value {
    let number = "(0|[1-9][0-9]{0,18})";
    let part = "(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)";
    let word = "[0-9A-Za-z-]+";
    matching(&format!("^{number}\\.{number}\\.{number}(-{part}(\\.{part})*)?(\\+{word}(\\.{word})*)?$"))
}
