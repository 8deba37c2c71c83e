//! The periods of a day or a week, for training data that change with them.

use serde::Deserialize;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
/// 1 January 1970 was a Thursday.
const FIRST_WEEKDAY: u64 = 3;

/// What the training data change with. All times are in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Season {
    /// The hour of the day, from 0 to 23.
    Hour,
    /// The day of the week, from 0 for Monday to 6.
    Weekday,
    /// The hour of the week, from 0 for the first hour of Monday to 167.
    HourOfWeek,
}

impl Season {
    /// The number of periods.
    #[must_use]
    pub fn periods(self) -> usize {
        match self {
            Self::Hour => 24,
            Self::Weekday => 7,
            Self::HourOfWeek => 168,
        }
    }

    /// The period of a time, in seconds since 1970.
    #[must_use]
    pub fn period(self, time: u64) -> usize {
        let (hour, weekday) = (time % DAY / HOUR, (time / DAY + FIRST_WEEKDAY) % 7);
        let period = match self {
            Self::Hour => hour,
            Self::Weekday => weekday,
            Self::HourOfWeek => 24 * weekday + hour,
        };
        usize::try_from(period).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Season;

    // 2026-11-23 was a Monday.
    #[test]
    fn a_time_belongs_to_an_hour_and_a_day_in_utc() {
        let monday_afternoon = 1_795_442_399 - 1_795_442_399 % 86_400 + 14 * 3_600 + 59;
        assert_eq!(Season::Hour.period(monday_afternoon), 14);
        assert_eq!(Season::Weekday.period(monday_afternoon), 0);
        assert_eq!(Season::HourOfWeek.period(monday_afternoon), 14);
        let sunday = monday_afternoon + 6 * 86_400;
        assert_eq!((Season::Weekday.period(sunday), Season::HourOfWeek.period(sunday)), (6, 6 * 24 + 14));
        assert!(
            [Season::Hour, Season::Weekday, Season::HourOfWeek]
                .iter()
                .all(|of| of.period(sunday) < of.periods())
        );
    }
}
