//! What people are asked, and what they say.

use uuid::Uuid;

use super::{
    chance::Chance,
    company::{DAY, MINUTE, What, uuid},
    machine::Machine,
};

/// A question: its survey, its id, its scale, and from where to before where its answers are.
pub(super) struct Question {
    pub(super) survey: &'static str,
    pub(super) id: &'static str,
    pub(super) scale: &'static str,
    from: i64,
    to: i64,
}

/// Two surveys, one with two questions.
pub(super) const QUESTIONS: [Question; 4] = [
    Question { survey: "first-week", id: "docs", scale: "csat", from: 1, to: 6 },
    Question { survey: "first-week", id: "effort", scale: "ces", from: 1, to: 8 },
    Question { survey: "recommend", id: "recommend", scale: "nps", from: 5, to: 11 },
    Question { survey: "recommend", id: "tools", scale: "csat", from: 3, to: 6 },
];

/// After how many days which survey is asked.
const ASKED: [(&str, i64); 2] = [("first-week", 7), ("recommend", 30)];

/// Asks somebody on one of their machines.
pub(super) fn ask(machine: &mut Machine, journey: Uuid, began: i64, end: i64, chance: &mut Chance) {
    for (survey, days) in ASKED {
        let at = began + days * DAY;
        if at >= end {
            continue;
        }
        let submission = uuid(chance);
        machine.write(at, journey, What::Shown { submission, survey }, chance);
        let ending = match chance.below(10) {
            0 | 1 => "dismissed",
            2 => "abandoned",
            3 => "partial",
            _ => "sent",
        };
        if ending == "sent" {
            for Question { id: question, scale, from, to, .. } in
                QUESTIONS.iter().filter(|of| of.survey == survey)
            {
                let score = chance.between(*from, *to);
                let answered = What::Answered { submission, survey, question, scale, score };
                machine.write(at + MINUTE, journey, answered, chance);
            }
        }
        machine.write(at + 2 * MINUTE, journey, What::Ended { submission, survey, ending }, chance);
    }
}
