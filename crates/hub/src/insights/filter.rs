//! Whom a figure is about.
//!
//! A period is a calendar month, quarter or year and never a day to a day: two ranges that differ by a day would tell about
//! whoever began on it.

use std::{fmt, str::FromStr};

use firstlight_contract::kpis::InsightsFilter;
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

/// How many of persona, release and period can be asked for at once. A team is asked for by itself.
pub(crate) const MOST_WIDE: usize = 2;

/// A part of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// A year.
    Year(i16),
    /// A quarter, from 1.
    Quarter(i16, i8),
    /// A month, from 1.
    Month(i16, i8),
}

impl Period {
    /// The first month there can be.
    pub const FIRST_MONTH: Self = Self::Month(1970, 1);
    /// The last one.
    pub const LAST_MONTH: Self = Self::Month(9998, 12);

    /// The month a day is in.
    pub fn month_of(day: Date) -> Self {
        Self::Month(day.year(), day.month())
    }

    /// The quarter a day is in.
    pub fn quarter_of(day: Date) -> Self {
        Self::Quarter(day.year(), (day.month() - 1) / 3 + 1)
    }

    /// The next wider period.
    pub fn wider(self) -> Option<Self> {
        match self {
            Self::Year(_) => None,
            Self::Quarter(year, _) => Some(Self::Year(year)),
            Self::Month(year, month) => Some(Self::Quarter(year, (month - 1) / 3 + 1)),
        }
    }

    /// Whether another period is it, or in it.
    pub fn holds(self, other: Self) -> bool {
        std::iter::successors(Some(other), |period| period.wider()).any(|period| period == self)
    }

    /// The month before; the first has none.
    pub fn month_before(self) -> Option<Self> {
        self.days().next()?.yesterday().ok().map(Self::month_of)
    }

    /// Its months.
    pub fn months(self) -> impl Iterator<Item = Self> {
        self.days().filter(|day| day.day() == 1).map(Self::month_of)
    }

    /// Its first moment in a zone, and that of the next period.
    pub fn bounds(self, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let start = |day: Date| zone.to_timestamp(day.at(0, 0, 0, 0)).ok();
        let (first, last) = (self.days().next()?, self.days().last()?);
        Some((start(first)?, start(last.tomorrow().ok()?)?))
    }

    /// Its days.
    pub fn days(self) -> impl Iterator<Item = Date> {
        let (year, month, months) = match self {
            Self::Year(year) => (year, 1, 12),
            Self::Quarter(year, quarter) => (year, quarter * 3 - 2, 3),
            Self::Month(year, month) => (year, month, 1),
        };
        let first = Date::new(year, month, 1).ok();
        let end = first.and_then(|first| first.checked_add(i64::from(months).months()).ok());
        std::iter::successors(first, |day| day.tomorrow().ok())
            .take_while(move |day| end.is_none_or(|end| *day < end))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => write!(f, "{year:04}"),
            Self::Quarter(year, quarter) => write!(f, "{year:04}-Q{quarter}"),
            Self::Month(year, month) => write!(f, "{year:04}-{month:02}"),
        }
    }
}

impl FromStr for Period {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let (year, part) = match text.split_once('-') {
            Some((year, part)) => (year, Some(part)),
            None => (text, None),
        };
        let year = year.parse().map_err(|_| FilterError::Period)?;
        let period = match part.map(|part| (part, part.strip_prefix('Q'))) {
            None => Self::Year(year),
            Some((_, Some(quarter))) => {
                Self::Quarter(year, quarter.parse().map_err(|_| FilterError::Period)?)
            }
            Some((month, None)) => Self::Month(year, month.parse().map_err(|_| FilterError::Period)?),
        };
        let is_one = match period {
            Self::Year(year) => (1970..=9998).contains(&year),
            Self::Quarter(year, quarter) => (1970..=9998).contains(&year) && (1..=4).contains(&quarter),
            Self::Month(year, month) => (1970..=9998).contains(&year) && (1..=12).contains(&month),
        };
        // As it is written by us, so that one period has one name.
        if is_one && period.to_string() == text { Ok(period) } else { Err(FilterError::Period) }
    }
}

/// What cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No period.
    #[error("`period` is no month, quarter or year, as 2026-11, 2026-Q4 and 2026 are")]
    Period,
    /// No release.
    #[error("`release` is no pack and version, as acme@3.2.0 is")]
    Release,
    /// All three at once.
    #[error(
        "two of persona, release and period can be combined, not all three: too few people would be left"
    )]
    TooNarrow,
    /// A team and something else.
    #[error("`team` is asked for by itself: too few people would be left")]
    TeamAlone,
    /// Answers are let out by quarter.
    #[error("answers are told by quarter; `period` is one, or a year, as 2026-Q4 and 2026 are")]
    NoQuarter,
}

/// A release: pack and version.
pub type Release = (String, String);

/// What is asked for; everybody where nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter {
    /// Of this persona.
    pub persona: Option<String>,
    /// Who began with this release.
    pub release: Option<Release>,
    /// Whose clock started in this period.
    pub period: Option<Period>,
    /// Of this team.
    pub team: Option<String>,
}

impl Filter {
    /// Reads what was asked.
    pub fn of(asked: InsightsFilter) -> Result<Self, FilterError> {
        let release = asked.release.map(|release| {
            let (pack, version) = release.rsplit_once('@').ok_or(FilterError::Release)?;
            Ok((pack.to_owned(), version.to_owned()))
        });
        let period = asked.period.map(|period| period.parse());
        let (release, period) = (release.transpose()?, period.transpose()?);
        Self { persona: asked.persona, release, period, team: asked.team }.check()
    }

    /// The same, if it may be asked.
    pub fn check(self) -> Result<Self, FilterError> {
        match self.width() {
            2.. if self.team.is_some() => Err(FilterError::TeamAlone),
            width if width > MOST_WIDE => Err(FilterError::TooNarrow),
            _ => Ok(self),
        }
    }

    /// The people of a team.
    pub fn of_team(team: &str) -> Self {
        Self { team: Some(team.to_owned()), ..Self::default() }
    }

    /// How many things are asked for.
    pub fn width(&self) -> usize {
        [self.persona.is_some(), self.release.is_some(), self.period.is_some(), self.team.is_some()]
            .into_iter()
            .filter(|asked| *asked)
            .count()
    }

    /// The questions it is a part of: each that asks for one thing less, or for a wider period.
    pub fn wider(&self) -> Vec<Self> {
        let mut wider = Vec::new();
        if self.persona.is_some() {
            wider.push(Self { persona: None, ..self.clone() });
        }
        if self.release.is_some() {
            wider.push(Self { release: None, ..self.clone() });
        }
        let mut period = self.period;
        while let Some(narrow) = period {
            period = narrow.wider();
            wider.push(Self { period, ..self.clone() });
        }
        wider
    }

    /// As it is said.
    pub fn to_view(&self) -> InsightsFilter {
        InsightsFilter {
            persona: self.persona.clone(),
            release: self.release.as_ref().map(name_of),
            period: self.period.map(|period| period.to_string()),
            team: self.team.clone(),
        }
    }
}

/// What a release is called.
pub fn name_of((pack, version): &Release) -> String {
    format!("{pack}@{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_part_of_the_calendar_and_has_one_name() {
        for text in ["2026", "2026-Q4", "2026-11"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for text in
            ["", "26", "2026-13", "2026-00", "2026-Q5", "2026-1", "2026-11-26", "+2026", "2026-Q04", "9999"]
        {
            assert_eq!(text.parse::<Period>(), Err(FilterError::Period), "{text}");
        }
        let period = |text: &str| text.parse::<Period>().unwrap();
        assert!(period("2026").holds(period("2026-11")) && period("2026-Q4").holds(period("2026-11")));
        assert!(!period("2026-Q3").holds(period("2026-11")) && !period("2026-11").holds(period("2026")));
        assert_eq!((period("2026-Q4").days().count(), period("2024-02").days().count()), (92, 29));
        assert_eq!(period("2026-Q4").months().last(), Some(period("2026-12")));
        assert_eq!(period("2026-01").month_before(), Some(period("2025-12")));
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let bounds = |text| period(text).bounds(&berlin).unwrap();
        assert_eq!(bounds("2026-Q4").0.to_string(), "2026-09-30T22:00:00Z");
        assert_eq!(bounds("2026").1, bounds("2027-Q1").0);
    }

    #[test]
    fn three_at_once_are_too_narrow() {
        let asked = |persona: Option<&str>, release: Option<&str>, period: Option<&str>| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            Filter::of(InsightsFilter {
                persona: text(persona),
                release: text(release),
                period: text(period),
                team: None,
            })
        };
        let of_team = InsightsFilter { team: Some("orders".to_owned()), ..InsightsFilter::default() };
        assert!(Filter::of(of_team.clone()).is_ok());
        let and_persona = InsightsFilter { persona: Some("data".to_owned()), ..of_team };
        assert_eq!(Filter::of(and_persona), Err(FilterError::TeamAlone));
        assert!(asked(Some("data"), Some("acme@1.0.0"), None).is_ok());
        assert_eq!(asked(Some("data"), Some("acme@1.0.0"), Some("2026")), Err(FilterError::TooNarrow));
        assert_eq!(asked(None, Some("acme"), None), Err(FilterError::Release));
        assert_eq!(asked(Some("data"), None, Some("2026-11")).unwrap().wider().len(), 4);
    }
}
