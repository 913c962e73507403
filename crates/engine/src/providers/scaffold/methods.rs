//! Methods of JavaScript that templates call on texts and lists.

use minijinja::{
    Error, ErrorKind, State,
    value::{Value as Jinja, ValueKind},
};

use super::language::text_of;

/// Calls one; an error names those there are.
pub(super) fn call(
    _state: &mut State,
    value: &Jinja,
    method: &str,
    arguments: &[Jinja],
) -> Result<Jinja, Error> {
    let found = match (value.as_str(), value.kind()) {
        (Some(text), _) => on_text(text, method, arguments)?,
        (None, ValueKind::Seq | ValueKind::Iterable) => on_list(value, method, arguments)?,
        (None, ValueKind::Number | ValueKind::Bool) if method == "toString" => Some(text_of(value)?.into()),
        (None, _) => None,
    };
    found.ok_or_else(|| {
        let known = "texts have charAt, concat, endsWith, includes, indexOf, replace, replaceAll, slice, split, \
                     startsWith, substring, toLowerCase, toString, toUpperCase, trim; lists have concat, includes, \
                     indexOf, join, slice";
        Error::new(ErrorKind::UnknownMethod, format!("`{method}` is no method of this value; {known}"))
    })
}

fn on_text(text: &str, method: &str, arguments: &[Jinja]) -> Result<Option<Jinja>, Error> {
    let argument =
        |index: usize| arguments.get(index).map(text_of).transpose().map(Option::unwrap_or_default);
    Ok(Some(match method {
        "toLowerCase" => text.to_lowercase().into(),
        "toUpperCase" => text.to_uppercase().into(),
        "toString" => text.into(),
        "trim" => text.trim().into(),
        "trimStart" => text.trim_start().into(),
        "trimEnd" => text.trim_end().into(),
        "startsWith" => text.starts_with(&argument(0)?).into(),
        "endsWith" => text.ends_with(&argument(0)?).into(),
        "includes" => text.contains(&argument(0)?).into(),
        "concat" => {
            let more = arguments.iter().map(text_of).collect::<Result<String, _>>()?;
            format!("{text}{more}").into()
        }
        "replace" => text.replacen(&argument(0)?, &argument(1)?, 1).into(),
        "replaceAll" => text.replace(&argument(0)?, &argument(1)?).into(),
        "indexOf" => {
            let found = text.find(&argument(0)?).map(|at| text[..at].chars().count());
            place(found)
        }
        "split" => {
            let separator = argument(0)?;
            if arguments.is_empty() {
                vec![text.to_owned()].into()
            } else if separator.is_empty() {
                text.chars().map(String::from).collect::<Vec<_>>().into()
            } else {
                text.split(&separator).map(str::to_owned).collect::<Vec<_>>().into()
            }
        }
        "charAt" => {
            let at = number(arguments.first())?.unwrap_or(0);
            let ch = usize::try_from(at).ok().and_then(|at| text.chars().nth(at));
            ch.map(String::from).unwrap_or_default().into()
        }
        "slice" | "substring" => {
            let letters: Vec<char> = text.chars().collect();
            let (start, end) = range(letters.len(), arguments, method == "slice")?;
            letters.get(start..end).unwrap_or_default().iter().collect::<String>().into()
        }
        _ => return Ok(None),
    }))
}

fn on_list(value: &Jinja, method: &str, arguments: &[Jinja]) -> Result<Option<Jinja>, Error> {
    let items: Vec<Jinja> = value.try_iter()?.collect();
    Ok(Some(match method {
        "join" => {
            let separator = arguments.first().map_or_else(|| Ok(",".to_owned()), text_of)?;
            items.iter().map(text_of).collect::<Result<Vec<_>, _>>()?.join(&separator).into()
        }
        "includes" => arguments.first().is_some_and(|wanted| items.contains(wanted)).into(),
        "indexOf" => place(arguments.first().and_then(|wanted| items.iter().position(|item| item == wanted))),
        "slice" => {
            let (start, end) = range(items.len(), arguments, true)?;
            items.get(start..end).unwrap_or_default().to_vec().into()
        }
        "concat" => {
            let mut all = items;
            for argument in arguments {
                match argument.kind() {
                    ValueKind::Seq | ValueKind::Iterable => all.extend(argument.try_iter()?),
                    _ => all.push(argument.clone()),
                }
            }
            all.into()
        }
        _ => return Ok(None),
    }))
}

/// A place, or -1.
fn place(found: Option<usize>) -> Jinja {
    found.map_or(Jinja::from(-1), Jinja::from)
}

fn number(argument: Option<&Jinja>) -> Result<Option<i64>, Error> {
    let Some(argument) = argument.filter(|argument| !argument.is_undefined()) else { return Ok(None) };
    i64::try_from(argument.clone()).map(Some)
}

/// Start and end, each within the length. From the end if negative, where that has a meaning.
fn range(length: usize, arguments: &[Jinja], from_end: bool) -> Result<(usize, usize), Error> {
    let within = |at: i64| match usize::try_from(at) {
        Ok(at) => at.min(length),
        Err(_) if from_end => length.saturating_sub(usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX)),
        Err(_) => 0,
    };
    let start = within(number(arguments.first())?.unwrap_or(0));
    let end = number(arguments.get(1))?.map_or(length, within);
    Ok(if from_end || start <= end { (start, end) } else { (end, start) })
}
