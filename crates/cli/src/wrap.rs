//! Breaking long lines between words, under the text they belong to. What is meant to be copied is not for here.

/// The width of the terminal we write to, in columns; nothing if it is none.
pub(crate) fn columns() -> Option<usize> {
    #[cfg(unix)]
    {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns >= NARROWEST)
    }
    // The console of Windows breaks lines by itself.
    #[cfg(not(unix))]
    None
}

/// Below this, every word would be a line.
const NARROWEST: usize = 30;

/// Breaks each line of a text at this width. A broken line goes on two columns further in than it began.
pub(crate) fn wrap(text: &str, columns: usize) -> String {
    text.split('\n').map(|line| wrap_line(line, columns)).collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, columns: usize) -> String {
    let words = line.trim_start_matches(' ');
    let indent = line.len() - words.len();
    let mut wrapped = " ".repeat(indent);
    let mut at = indent;
    for (place, word) in words.split(' ').enumerate() {
        let width = width(word);
        if place > 0 && at + 1 + width > columns {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent + 2));
            at = indent + 2;
        } else if place > 0 {
            wrapped.push(' ');
            at += 1;
        }
        wrapped.push_str(word);
        at += width;
    }
    wrapped
}

/// Characters shown: without the sequences that only colour them.
fn width(word: &str) -> usize {
    let mut shown = 0;
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            letters.find(char::is_ascii_alphabetic);
        } else {
            shown += 1;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_go_on_further_in() {
        assert_eq!(wrap("  … one two three four", 14), "  … one two\n    three four");
        assert_eq!(wrap("short\n  also", 14), "short\n  also");
        assert_eq!(wrap("a-word-longer-than-the-line ends", 14), "a-word-longer-than-the-line\n  ends");
    }

    #[test]
    fn colours_take_no_room() {
        let coloured = "\u{1b}[1mone two\u{1b}[0m three";
        assert_eq!(wrap(coloured, 13), coloured);
        assert_eq!(wrap(coloured, 12), "\u{1b}[1mone two\u{1b}[0m\n  three");
    }
}
