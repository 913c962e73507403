//! Which questions about groups of people may be answered, so that no combination of answers tells about a few.
//!
//! People are split into the smallest groups that questions tell apart. An answer is a sum over some of them, and whoever
//! has several answers has every sum and difference of them too: all that follows from them is the space they span. So
//! questions are gone through in the order of their worth, and one is answered only if no group of fewer than `smallest`
//! people comes to lie in that space with it. This is secondary suppression by linear algebra, as of a table with its
//! margins, for any set of questions; what is protected are the groups that can be named, and what remains of one group
//! without another.

use std::collections::{BTreeSet, HashMap};

/// Some of the groups, by number, in order.
pub type Groups = Vec<usize>;

/// The people of a group, by number, in order.
pub type People = Vec<u32>;

/// Reckoned with in a finite field: exact, unlike fractions of floating point. What follows over the fractions follows here too,
/// but where this prime divides a determinant of zeros and ones, which is a chance of one in two thousand million.
const PRIME: u64 = (1 << BITS) - 1;
const BITS: u32 = 31;

/// What a number below 2^62 - 1 is in the field: there 2^31 is 1, so its halves are added up.
fn reduced(number: u64) -> u64 {
    let sum = (number & PRIME) + (number >> BITS);
    if sum >= PRIME { sum - PRIME } else { sum }
}

fn times(a: u64, b: u64) -> u64 {
    reduced(a * b)
}

fn inverse(of: u64) -> u64 {
    // Fermat: of^(p - 2).
    let (mut power, mut base, mut left) = (1, of, PRIME - 2);
    while left > 0 {
        if left % 2 == 1 {
            power = times(power, base);
        }
        base = times(base, base);
        left /= 2;
    }
    power
}

/// How many people are in some of the groups together; somebody may be in several.
pub fn people(groups: &[People], some: &[usize]) -> u64 {
    some.iter().filter_map(|index| groups.get(*index)).flatten().collect::<BTreeSet<_>>().len() as u64
}

/// Says of each question whether it may be answered, beside what is `known` already: `questions` in the order of their worth.
/// `delicate` are sums that must not follow from answers where they are about few; each group, each question, and what remains of
/// a question without another one that lies in it are such sums anyway. What is said of one hangs on all questions there are but
/// on no answer after it: whoever needs a few takes no more, and hears of them what everybody else does.
pub fn answerable(
    groups: &[People],
    known: &[Groups],
    questions: &[Groups],
    delicate: impl IntoIterator<Item = Groups>,
    smallest: u64,
) -> impl Iterator<Item = bool> {
    // One look at each is enough, mostly.
    let few = move |some: &Groups| {
        some.iter().all(|index| (groups[*index].len() as u64) < smallest)
            && (1..smallest).contains(&people(groups, some))
    };
    let singles = (0..groups.len()).map(|index| vec![index]);
    let secrets: BTreeSet<Groups> = singles
        .chain(delicate)
        .chain(remainders(groups, questions, smallest))
        .filter(few)
        .chain(questions.iter().filter(|question| few(question)).cloned())
        .collect();
    let mut secrets: Vec<Vec<u64>> = secrets.iter().map(|some| vector(some, groups.len())).collect();
    let mut answered = Space::default();
    for question in known {
        if let Some(new) = answered.rest(vector(question, groups.len())) {
            // What follows from it is no secret any more, and comes to be 0.
            for secret in &mut secrets {
                new.take_from(secret);
            }
            answered.0.push(new);
        }
    }
    questions.iter().map(move |question| {
        if secrets.is_empty() {
            return true;
        }
        let Some(new) = answered.rest(vector(question, groups.len())) else {
            // It follows from what is answered already: of nobody, or of some that are safe.
            return !few(question);
        };
        if secrets.iter().any(|secret| new.tells(secret)) {
            return false;
        }
        for secret in &mut secrets {
            new.take_from(secret);
        }
        answered.0.push(new);
        true
    })
}

/// What follows from some answers: each has its pivot, where those after it are 0.
#[derive(Default)]
struct Space(Vec<Pivoted>);

struct Pivoted {
    pivot: usize,
    /// 1 at the pivot.
    vector: Vec<u64>,
}

impl Space {
    /// What is new in a vector; nothing, if it follows.
    fn rest(&self, mut vector: Vec<u64>) -> Option<Pivoted> {
        for known in &self.0 {
            known.take_from(&mut vector);
        }
        let pivot = vector.iter().position(|number| *number != 0)?;
        let factor = inverse(vector[pivot]);
        for number in &mut vector {
            *number = times(*number, factor);
        }
        Some(Pivoted { pivot, vector })
    }
}

impl Pivoted {
    fn take_from(&self, vector: &mut [u64]) {
        let factor = vector[self.pivot];
        subtract(vector, factor, &self.vector);
    }

    /// Whether a secret that does not follow yet is a multiple of it.
    fn tells(&self, secret: &[u64]) -> bool {
        let factor = secret[self.pivot];
        factor != 0 && secret.iter().zip(&self.vector).all(|(secret, own)| *secret == times(factor, *own))
    }
}

/// What remains of each question without each other that lies in it, where that has no group that is large by itself.
fn remainders(groups: &[People], questions: &[Groups], smallest: u64) -> BTreeSet<Groups> {
    let is_large = |index: &usize| groups[*index].len() as u64 >= smallest;
    // Nothing large remains only where both have the same of what is large: mostly, no two do.
    let mut alike: HashMap<Groups, Vec<&Groups>> = HashMap::new();
    for question in questions {
        alike.entry(question.iter().copied().filter(is_large).collect()).or_default().push(question);
    }
    let mut remainders = BTreeSet::new();
    for alike in alike.values() {
        for all in alike {
            for part in alike.iter().filter(|part| part.len() < all.len()) {
                let is_left = |index: &usize| part.binary_search(index).is_err();
                let left: Groups = all.iter().copied().filter(is_left).collect();
                if all.len() - left.len() == part.len() {
                    remainders.insert(left);
                }
            }
        }
    }
    remainders
}

fn vector(some: &[usize], size: usize) -> Vec<u64> {
    let mut vector = vec![0; size];
    for index in some {
        if let Some(number) = vector.get_mut(*index) {
            *number = 1;
        }
    }
    vector
}

fn subtract(from: &mut [u64], factor: u64, what: &[u64]) {
    if factor == 0 {
        return;
    }
    let factor = PRIME - factor;
    for (number, what) in from.iter_mut().zip(what) {
        *number = reduced(*number + factor * *what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(sizes: &[u32]) -> Vec<People> {
        let mut next = 0;
        let group = |size: &u32| {
            let people = (next..next + size).collect();
            next += size;
            people
        };
        sizes.iter().map(group).collect()
    }

    fn told(
        groups: &[People],
        questions: &[Groups],
        delicate: impl IntoIterator<Item = Groups>,
    ) -> Vec<bool> {
        answerable(groups, &[], questions, delicate, 5).collect()
    }

    #[test]
    fn the_field_is_that_of_the_prime() {
        let some = [0, 1, 2, 3, 1 << 16, (1 << 30) + 7, PRIME - 2, PRIME - 1];
        for (a, b) in some.into_iter().flat_map(|a| some.map(|b| (a, b))) {
            assert_eq!(times(a, b), a * b % PRIME, "{a} {b}");
            let mut from = [a, 0, PRIME - 1];
            subtract(&mut from, b, &[PRIME - 1, a, b]);
            assert_eq!(
                from,
                [
                    (a + b) % PRIME,
                    (PRIME - a * b % PRIME) % PRIME,
                    (PRIME - 1 + PRIME - b * b % PRIME) % PRIME
                ]
            );
        }
        for number in some.into_iter().skip(1) {
            assert_eq!(times(number, inverse(number)), 1, "{number}");
        }
    }

    #[test]
    fn a_small_group_takes_another_with_it() {
        let groups = groups(&[3, 8, 20]);
        let questions = [vec![0, 1, 2], vec![2], vec![1], vec![0]];
        assert_eq!(told(&groups, &questions, []), [true, true, false, false]);
        // Without the total, the second tells nothing of the first.
        assert_eq!(told(&groups, &questions[1..], []), [true, true, false]);
    }

    #[test]
    fn a_table_with_margins_hides_a_rectangle() {
        // Two by two, with margins: one small cell hides all four, since each follows from any other and the margins.
        let groups = groups(&[2, 10, 10, 10]);
        let questions = [
            vec![0, 1, 2, 3],
            vec![0, 1],
            vec![2, 3],
            vec![0, 2],
            vec![1, 3],
            vec![3],
            vec![2],
            vec![1],
            vec![0],
        ];
        let answers = told(&groups, &questions, []);
        assert_eq!(answers, [true, true, true, true, true, false, false, false, false]);
    }

    #[test]
    fn what_was_answered_once_is_no_secret_but_nothing_else_may_follow_with_it() {
        let groups = groups(&[4, 12, 3]);
        let questions = [vec![0, 1, 2], vec![1]];
        assert_eq!(told(&groups, &questions, []), [true, true]);
        let beside: Vec<bool> = answerable(&groups, &[vec![0]], &questions, [], 5).collect();
        assert_eq!(beside, [true, false]);
    }

    #[test]
    fn nearly_the_same_question_twice_would_tell_the_difference() {
        let groups = groups(&[19, 1, 30]);
        let questions = [vec![0, 1, 2], vec![0, 1], vec![0]];
        assert_eq!(told(&groups, &questions, []), [true, true, false]);
        // Two small ones together are still few.
        let groups = self::groups(&[19, 1, 2, 30]);
        let questions = [vec![0, 1, 2, 3], vec![0, 1, 2], vec![0]];
        assert_eq!(told(&groups, &questions, [vec![1, 2]]), [true, true, false]);
    }
}
