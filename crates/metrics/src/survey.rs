//! What people answered: NPS, CSAT, CES.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use crate::{Interval, Level, interval::number, proportion::Proportion};

/// Above this half-width, in points, an NPS says nothing.
const TOO_WIDE: f64 = 20.0;

/// "How likely are you to recommend it to a colleague here?", from 0 to 10 (Reichheld 2003).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Nps {
    /// 9 and 10.
    pub promoters: u64,
    /// 7 and 8.
    pub passives: u64,
    /// 0 to 6.
    pub detractors: u64,
}

impl Nps {
    /// Counts answers; those above 10 are none and are not counted.
    pub fn of(answers: impl IntoIterator<Item = u8>) -> Self {
        answers.into_iter().fold(Self::default(), |mut nps, answer| {
            match answer {
                0..=6 => nps.detractors += 1,
                7 | 8 => nps.passives += 1,
                9 | 10 => nps.promoters += 1,
                _ => {}
            }
            nps
        })
    }

    /// How many answered.
    pub fn n(&self) -> u64 {
        self.promoters + self.passives + self.detractors
    }

    /// From -100 to 100; nothing without answers.
    pub fn value(&self) -> Option<f64> {
        let n = self.n();
        (n > 0).then(|| 100.0 * (number(self.promoters) - number(self.detractors)) / number(n))
    }

    /// Adjusted Wald: ¾ is added to promoters and detractors each and 3 to all (Rocks 2016, from Agresti and Min 2005);
    /// cut to what an NPS can be.
    pub fn interval(&self, level: Level) -> Option<Interval> {
        self.value()?;
        let n = number(self.n()) + 3.0;
        let (promoters, detractors) =
            ((number(self.promoters) + 0.75) / n, (number(self.detractors) + 0.75) / n);
        let middle = promoters - detractors;
        let half = level.z() * ((promoters + detractors - middle * middle) / n).sqrt();
        let cut = |share: f64| (100.0 * share).clamp(-100.0, 100.0);
        Some(Interval::of(cut(middle - half), cut(middle + half)))
    }

    /// Whether there are enough answers to say anything.
    pub fn is_enough(&self, level: Level) -> bool {
        self.interval(level).and_then(|interval| interval.half_width()).is_some_and(|half| half <= TOO_WIDE)
    }
}

/// "How satisfied are you?", from 1 to 5: the share of the upper two.
pub fn csat(answers: impl IntoIterator<Item = u8>) -> Proportion {
    answers.into_iter().filter(|answer| (1..=5).contains(answer)).fold(
        Proportion { part: 0, whole: 0 },
        |counted, answer| Proportion {
            part: counted.part + u64::from(answer >= 4),
            whole: counted.whole + 1,
        },
    )
}

/// "It was easy to …", from 1 to 7 (CES 2.0): the mean, with Student's interval where there are two answers at least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// How many answered.
    pub n: u64,
    /// The mean.
    pub mean: f64,
    /// How sure that is.
    pub interval: Option<Interval>,
}

/// The mean of answers from 1 to 7; others are none. Nothing without answers.
pub fn ces(answers: impl IntoIterator<Item = u8>, level: Level) -> Option<Effort> {
    let answers: Vec<f64> =
        answers.into_iter().filter(|answer| (1..=7).contains(answer)).map(f64::from).collect();
    let count = u64::try_from(answers.len()).ok().filter(|n| *n > 0)?;
    let n = number(count);
    let mean = answers.iter().sum::<f64>() / n;
    let interval = (count > 1).then(|| {
        let variance = answers.iter().map(|answer| (answer - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let student = StudentsT::new(0.0, 1.0, n - 1.0).ok()?;
        let half = student.inverse_cdf(level.upper()) * (variance / n).sqrt();
        Some(Interval::of((mean - half).max(1.0), (mean + half).min(7.0)))
    });
    Some(Effort { n: count, mean, interval: interval.flatten() })
}
