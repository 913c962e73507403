//! What a heading is called in links, as the forges people read Markdown on do it: lower case, spaces as dashes, other
//! signs left out, and a number where two would share a name.

use std::collections::HashMap;

/// Names the headings of one document, in their order.
#[derive(Debug, Default)]
pub struct Anchors {
    taken: HashMap<String, usize>,
}

impl Anchors {
    /// The name of the next heading.
    pub fn of(&mut self, heading: &str) -> String {
        let name = slug(heading);
        let times = self.taken.entry(name.clone()).or_default();
        *times += 1;
        if *times == 1 { name } else { format!("{name}-{}", *times - 1) }
    }
}

fn slug(heading: &str) -> String {
    let lower = heading.trim().to_lowercase();
    let kept = lower.chars().filter_map(|sign| match sign {
        ' ' => Some('-'),
        '-' | '_' => Some(sign),
        sign if sign.is_alphanumeric() => Some(sign),
        _ => None,
    });
    let name: String = kept.collect();
    // A heading of nothing but signs still has a place.
    if name.is_empty() { "section".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_named_as_people_know_it_and_never_twice() {
        let mut anchors = Anchors::default();
        let mut of = |heading| anchors.of(heading);
        assert_eq!(of("Reaching the VPN"), "reaching-the-vpn");
        assert_eq!(of("  What’s new in 2.0?  "), "whats-new-in-20");
        assert_eq!(of("Für Zoë"), "für-zoë");
        assert_eq!(of("Reaching the VPN"), "reaching-the-vpn-1");
        assert_eq!(of("Reaching the VPN"), "reaching-the-vpn-2");
        assert_eq!(of("<script>"), "script");
        assert_eq!(of("!!"), "section");
    }
}
