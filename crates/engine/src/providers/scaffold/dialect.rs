//! Templates are written for nunjucks and rendered by minijinja. What the two spell differently is respelled here,
//! inside of tags only; text and quotes stay as they are.
//!
//! Respelled: `===` and `!==`, `null`, `.length`, `elseif`, `verbatim`, and loops over the pairs of a group of fields.

/// The filter that gives the pairs of a group of fields, and leaves a list as it is.
pub(super) const PAIRS: &str = "firstlight_pairs";

/// The text, as minijinja takes it. What is never closed is left for minijinja to report.
pub(super) fn respell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['$', '{']) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let taken = if rest.starts_with("${{") {
            expression(rest, &mut out)
        } else if rest.starts_with("{%") {
            tag(rest, &mut out)
        } else if rest.starts_with("{#") {
            let end = rest.find("#}").map_or(rest.len(), |end| end + 2);
            out.push_str(&rest[..end]);
            end
        } else {
            out.push_str(&rest[..1]);
            1
        };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

/// The expression, if the text is one `${{ … }}` and nothing else.
pub(super) fn only_expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("${{")?;
    let end = closing(inner, "}}")?;
    let code = &inner[..end];
    let trims = code.starts_with('-') || code.ends_with('-');
    (inner.len() == end + 2 && !trims).then(|| code.trim())
}

/// One expression, respelled, without its delimiters.
pub(super) fn respell_expression(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    code(source, &mut out);
    out
}

fn expression(text: &str, out: &mut String) -> usize {
    let Some(end) = closing(&text[3..], "}}") else {
        out.push_str(text);
        return text.len();
    };
    out.push_str("${{");
    code(&text[3..3 + end], out);
    out.push_str("}}");
    end + 5
}

fn tag(text: &str, out: &mut String) -> usize {
    let Some(end) = closing(&text[2..], "%}") else {
        out.push_str(text);
        return text.len();
    };
    let (inner, length) = (&text[2..2 + end], end + 4);
    let body = inner.trim_start_matches(['-', '+']).trim_start();
    let keyword_end = body.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(body.len());
    let (keyword, arguments) = body.split_at(keyword_end);
    let before = &inner[..inner.len() - body.len()];
    out.push_str("{%");
    out.push_str(before);
    match keyword {
        "raw" | "verbatim" => {
            out.push_str("raw");
            out.push_str(arguments);
            out.push_str("%}");
            return length + raw(&text[length..], &format!("end{keyword}"), out);
        }
        "elseif" => {
            out.push_str("elif");
            code(arguments, out);
        }
        "for" => {
            out.push_str("for");
            loop_over(arguments, out);
        }
        _ => code(body, out),
    }
    out.push_str("%}");
    length
}

/// Copies up to the tag that ends what is not to be touched.
fn raw(text: &str, end: &str, out: &mut String) -> usize {
    let mut from = 0;
    while let Some(found) = text[from..].find("{%") {
        let start = from + found;
        let inner = text[start + 2..].trim_start_matches(['-', '+']).trim_start();
        let close = text[start..].find("%}").map(|close| start + close + 2);
        if let (Some(rest), Some(close)) = (inner.strip_prefix(end), close)
            && !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        {
            out.push_str(&text[..start]);
            out.push_str(&text[start..close].replace(end, "endraw"));
            return close;
        }
        from = start + 2;
    }
    out.push_str(text);
    text.len()
}

/// `key, value in group`: the pairs are asked for.
fn loop_over(arguments: &str, out: &mut String) {
    match arguments.split_once(" in ") {
        Some((names, over)) if names.contains(',') => {
            let trim = if over.trim_end().ends_with('-') { "-" } else { "" };
            out.push_str(names);
            out.push_str(" in (");
            code(over.trim_end().trim_end_matches('-').trim(), out);
            out.push_str(")|");
            out.push_str(PAIRS);
            out.push(' ');
            out.push_str(trim);
        }
        Some(_) | None => code(arguments, out),
    }
}

/// Where the closing delimiter stands: outside of quotes, and outside of braces opened before it.
fn closing(text: &str, delimiter: &str) -> Option<usize> {
    let mut quote = None;
    let mut depth = 0_usize;
    let mut chars = text.char_indices();
    while let Some((at, ch)) = chars.next() {
        match (quote, ch) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(open), _) if open == ch => quote = None,
            (None, '\'' | '"') => quote = Some(ch),
            (None, _) if depth == 0 && text[at..].starts_with(delimiter) => return Some(at),
            (None, '{') => depth += 1,
            (None, '}') => depth = depth.saturating_sub(1),
            (Some(_) | None, _) => {}
        }
    }
    None
}

fn code(source: &str, out: &mut String) {
    let mut rest = source;
    while let Some(ch) = rest.chars().next() {
        let taken = match ch {
            '\'' | '"' => {
                let length = quoted(rest, ch);
                out.push_str(&rest[..length]);
                length
            }
            _ if rest.starts_with("===") => {
                out.push_str("==");
                3
            }
            _ if rest.starts_with("!==") => {
                out.push_str("!=");
                3
            }
            '.' if is_word(&rest[1..], "length") && !rest[7..].trim_start().starts_with('(') => {
                out.push_str("|length");
                7
            }
            _ if is_start(ch) && !out.ends_with(|c: char| is_part(c) || c == '.') => {
                let length = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
                let word = &rest[..length];
                let is_key = rest[length..].trim_start().starts_with(':');
                out.push_str(if word == "null" && !is_key { "none" } else { word });
                length
            }
            _ => {
                out.push(ch);
                ch.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
}

/// The length of a quoted text at the start, quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, ch)) = chars.next() {
        if ch == '\\' {
            chars.next();
        } else if ch == quote {
            return at + 1;
        }
    }
    text.len()
}

fn is_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_part))
}

fn is_start(ch: char) -> bool {
    ch.is_ascii_alphabetic() || ch == '_'
}

fn is_part(ch: char) -> bool {
    ch.is_ascii_alphanumeric() || ch == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_respelled() {
        for (written, expected) in [
            ("a === b !== c", "a === b !== c"),
            ("${{ a === 'x===y' }} === ", "${{ a == 'x===y' }} === "),
            (
                "{% if a !== null %}null{% elseif b.length > 1 %}",
                "{% if a != none %}null{% elif b|length > 1 %}",
            ),
            ("${{ a.lengthy }} ${{ a.length() }}", "${{ a.lengthy }} ${{ a.length() }}"),
            ("{% for k, v in o.x -%}", "{% for k, v in (o.x)|firstlight_pairs -%}"),
            ("{% for k in o %}", "{% for k in o %}"),
            ("${{ {a: {b: null}} | dump }}x", "${{ {a: {b: none}} | dump }}x"),
            ("{# a === b #}${x} { {", "{# a === b #}${x} { {"),
            ("${{ 'it\\'s }}' }}", "${{ 'it\\'s }}' }}"),
            ("${{ a === ", "${{ a === "),
            ("é${{ é.length }}é", "é${{ é|length }}é"),
        ] {
            assert_eq!(respell(written), expected, "{written}");
        }
    }

    #[test]
    fn what_is_raw_stays() {
        let text = "{% verbatim %}${{ a === b }}{% if x.length %}{%- endverbatim -%}${{ a === b }}";
        assert_eq!(respell(text), "{% raw %}${{ a === b }}{% if x.length %}{%- endraw -%}${{ a == b }}");
        assert_eq!(respell("{%- raw -%}a === b"), "{%- raw -%}a === b");
    }

    #[test]
    fn one_expression_alone_is_known() {
        assert_eq!(only_expression("${{ parameters.x }}"), Some("parameters.x"));
        assert_eq!(only_expression("${{ {a: {}} }}"), Some("{a: {}}"));
        for not_alone in ["a${{ x }}", "${{ x }} ", "${{ x }}${{ y }}", "x", "${{ x", "${{- x -}}"] {
            assert_eq!(only_expression(not_alone), None, "{not_alone}");
        }
    }
}
