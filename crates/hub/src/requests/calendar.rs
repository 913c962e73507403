//! Working hours as an operator writes them. Each change of them is a version, which the store keeps.

use firstlight_metrics::working_time::{Calendar, CalendarError, Hours};
use jiff::{
    civil::{Date, Time},
    tz::TimeZone,
};

/// The days of the week, from Monday on.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// When people work, as it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingHours {
    /// The time zone, by name.
    pub zone: String,
    /// As `Mon-Thu 09:00-12:00 13:00-17:00, Fri 09:00-15:00`.
    pub hours: String,
    /// As `2026-12-25, 2026-12-26`.
    pub holidays: String,
}

impl WorkingHours {
    /// As a calendar of that version. Error: what is wrong, after the text that is.
    pub fn calendar(&self, version: u32) -> Result<Calendar, &'static str> {
        let zone = TimeZone::get(&self.zone).map_err(|_| "is no time zone")?;
        Calendar::new(version, zone, week(&self.hours)?, holidays(&self.holidays)?).map_err(|error| {
            match error {
                CalendarError::Backwards => "ends before it begins",
                CalendarError::Overlap => "has hours of a day that overlap",
                CalendarError::Empty => "has no hours at all",
            }
        })
    }
}

/// The hours of a week.
pub fn week(text: &str) -> Result<[Vec<Hours>; 7], &'static str> {
    const WRONG: &str = "are no working hours, as `Mon-Thu 09:00-12:00 13:00-17:00, Fri 09:00-15:00` are";
    let mut week = [const { Vec::new() }; 7];
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let mut words = part.split_whitespace();
        let (first, last) = days(words.next().ok_or(WRONG)?).ok_or(WRONG)?;
        let hours = words.map(|word| hours(word).ok_or(WRONG)).collect::<Result<Vec<_>, _>>()?;
        if hours.is_empty() {
            return Err(WRONG);
        }
        for day in week.get_mut(first..=last).ok_or(WRONG)? {
            day.extend(hours.iter().copied());
        }
    }
    Ok(week)
}

/// Days nobody works on.
pub fn holidays(text: &str) -> Result<Vec<Date>, &'static str> {
    let days = text.split(',').map(str::trim).filter(|day| !day.is_empty());
    days.map(|day| day.parse().map_err(|_| "is no list of days, as 2026-12-25, 2026-12-26 is")).collect()
}

/// `Mon-Fri`, or one day.
fn days(text: &str) -> Option<(usize, usize)> {
    let day = |name: &str| DAYS.iter().position(|day| name.eq_ignore_ascii_case(day));
    match text.split_once('-') {
        Some((first, last)) => Some((day(first)?, day(last)?)).filter(|(first, last)| first <= last),
        None => day(text).map(|day| (day, day)),
    }
}

/// `09:00-17:00`; `24:00` is when the day ends.
fn hours(text: &str) -> Option<Hours> {
    let time = |text: &str| text.parse::<Time>().ok().filter(|_| text.len() == 5);
    let (from, to) = text.split_once('-')?;
    if to == "24:00" {
        return Some(Hours::to_midnight(time(from)?));
    }
    Hours::new(time(from)?, time(to)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hours: &str, holidays: &str) -> Result<Calendar, &'static str> {
        let (hours, holidays) = (hours.to_owned(), holidays.to_owned());
        WorkingHours { zone: "UTC".to_owned(), hours, holidays }.calendar(7)
    }

    #[test]
    fn working_hours_are_read_as_people_write_them() {
        let calendar =
            of("Mon-Thu 09:00-12:00 13:00-17:00, fri 09:00-15:00, Sun 00:00-24:00", "2026-12-25").unwrap();
        assert_eq!(calendar.version(), 7);
        let worked = |day: &str| {
            let from = format!("{day}T00:00:00Z").parse().unwrap();
            let to = format!("{day}T23:59:59Z").parse().unwrap();
            calendar.between(from, to).as_mins()
        };
        assert_eq!(
            ["2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29", "2026-12-25"].map(worked),
            [7 * 60, 6 * 60, 0, 24 * 60 - 1, 0]
        );
    }

    #[test]
    fn what_is_no_working_hours_is_said() {
        for wrong in [
            "Mon-Fri",
            "Mon-Fri 9-17",
            "Mon-Fri 09:00",
            "Mon-Fri 17:00-09:00",
            "Fri-Mon 09:00-17:00",
            "Mo-Fr 09:00-17:00",
            "09:00-17:00",
            "Mon 09:00-25:00",
            "Mon 9:00-17:00",
        ] {
            assert!(of(wrong, "").unwrap_err().contains("no working hours"), "{wrong}");
        }
        assert!(of("", "").unwrap_err().contains("no hours at all"));
        assert!(of("Mon 09:00-12:00, Mon 11:00-13:00", "").unwrap_err().contains("overlap"));
        assert!(of("Mon 09:00-12:00", "Christmas").unwrap_err().contains("no list of days"));
        let nowhere = WorkingHours { zone: "Mars".to_owned(), hours: String::new(), holidays: String::new() };
        assert_eq!(nowhere.calendar(1).unwrap_err(), "is no time zone");
    }
}
