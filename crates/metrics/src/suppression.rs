//! What may be shown about groups of people: no group below a size, and none that could be reckoned from those shown.
//!
//! Hiding one small group beside a total gives it away by subtraction, so another one goes with it (complementary
//! suppression; Willenborg and de Waal 2001).

/// The smallest group anything is said about.
pub const SMALLEST: u64 = 5;

/// One cell of a table beside its total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// May be shown.
    Shown(u64),
    /// May not.
    Hidden,
}

/// What of a row of groups may be shown, when their sum is shown too: nothing below `smallest` and, if anything is hidden,
/// so much that whoever subtracts is left with at least two groups of together at least `smallest`. Groups of nobody are
/// shown: there is nobody to protect, and everybody knows.
pub fn beside_a_total(groups: &[u64], smallest: u64) -> Vec<Cell> {
    let mut hidden: Vec<bool> = groups.iter().map(|size| (1..smallest).contains(size)).collect();
    let mut by_size: Vec<usize> = (0..groups.len()).filter(|index| groups[*index] > 0).collect();
    by_size.sort_by_key(|index| groups[*index]);
    for index in by_size {
        let (number, people) = hidden
            .iter()
            .zip(groups)
            .filter(|(hidden, _)| **hidden)
            .fold((0, 0), |(number, people), (_, size)| (number + 1, people + size));
        if number == 0 || (number > 1 && people >= smallest) {
            break;
        }
        hidden[index] = true;
    }
    groups
        .iter()
        .zip(hidden)
        .map(|(size, hidden)| if hidden { Cell::Hidden } else { Cell::Shown(*size) })
        .collect()
}

/// What of answers to one question may be shown: nothing below `smallest` people, and nothing where all said the same,
/// which tells what each of them said.
pub fn of_answers(counts: &[u64], smallest: u64) -> Option<&[u64]> {
    let people: u64 = counts.iter().sum();
    let unanimous = counts.contains(&people);
    (people >= smallest && !unanimous).then_some(counts)
}
