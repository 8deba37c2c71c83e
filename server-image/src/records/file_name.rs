//! Names of record files, in the spool and in the sink.

use std::time::SystemTime;

use jiff::Timestamp;

/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;
/// The last second of the calendar, in microseconds since 1970.
const LAST: i64 = 253_402_207_200 * 1_000_000;

/// Microseconds since 1970. An earlier time becomes 0, and a time beyond the calendar becomes its last moment.
pub(super) fn micros(at: SystemTime) -> i64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).map_or(LAST, |micros| micros.min(LAST))
}

/// Days since 1970.
pub(super) fn day(at: SystemTime) -> i64 {
    micros(at).div_euclid(DAY)
}

/// The time as a timestamp with microseconds.
pub(super) fn timestamp(at: SystemTime) -> Timestamp {
    Timestamp::from_microsecond(micros(at)).expect("`micros` returns a time in the calendar")
}

/// The name of a file: time of its first row, version, pod and number. Names sort by time. Example:
/// `20261121T093045.123456Z-1.3.0-fraud-v1-3-0-7c9f-0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileName(String);

impl FileName {
    pub(super) fn new(first: SystemTime, version: &str, pod: &str, sequence: u64) -> Self {
        // A version may contain `+`, which is a space in some URLs.
        let plain = |text: &str| {
            text.replace(|letter: char| !letter.is_ascii_alphanumeric() && !"-._".contains(letter), "_")
        };
        let time = timestamp(first).strftime("%Y%m%dT%H%M%S.%6fZ");
        Self(format!("{time}-{}-{}-{sequence}", plain(version), plain(pod)))
    }

    /// Parses a name. `None` if the recorder did not write it.
    fn parse(text: &str) -> Option<Self> {
        let digits = |range: std::ops::Range<usize>| {
            text.get(range).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let ours = digits(0..8) && text.as_bytes().get(8) == Some(&b'T') && !text.contains('/');
        ours.then(|| Self(text.to_owned()))
    }

    /// The folder of the day, and the file in it, relative to the folder of the sink.
    pub(super) fn in_sink(&self) -> (String, String) {
        let text = &self.0;
        (format!("date={}-{}-{}", &text[..4], &text[4..6], &text[6..8]), format!("{text}.parquet"))
    }

    /// The file name while rows are written.
    pub(super) fn open(&self) -> String {
        format!("{}.parquet.open", self.0)
    }

    /// The file with the number of rows in the open file.
    pub(super) fn journal(&self) -> String {
        format!("{}.parquet.rows", self.0)
    }

    /// The file name of a complete file. It has the number of rows and the checksum, so that a damaged file is found.
    pub(super) fn ready(&self, rows: u64, crc: u32) -> String {
        format!("{}.{rows}.{crc:08x}.parquet", self.0)
    }
}

/// A file in the spool, recognized by its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SpoolEntry {
    Open(FileName),
    Journal(FileName),
    Ready { name: FileName, rows: u64, crc: u32 },
}

impl SpoolEntry {
    pub(super) fn of(file: &str) -> Option<Self> {
        if let Some(name) = file.strip_suffix(".parquet.open") {
            return FileName::parse(name).map(Self::Open);
        }
        if let Some(name) = file.strip_suffix(".parquet.rows") {
            return FileName::parse(name).map(Self::Journal);
        }
        let (rest, crc) = file.strip_suffix(".parquet")?.rsplit_once('.')?;
        let (name, rows) = rest.rsplit_once('.')?;
        Some(Self::Ready {
            name: FileName::parse(name)?,
            rows: rows.parse().ok()?,
            crc: u32::from_str_radix(crc, 16).ok()?,
        })
    }
}

/// The day of a folder such as `date=2026-11-21`, in days since 1970. `None` for any other folder.
pub(super) fn day_of_folder(folder: &str) -> Option<i64> {
    let date: jiff::civil::Date = folder.strip_prefix("date=")?.parse().ok()?;
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(midnight.as_microsecond().div_euclid(DAY))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(micros: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
    }

    #[test]
    fn a_file_name_has_time_version_pod_and_number_and_its_folder_the_day_of_the_first_row() {
        let name = FileName::new(at(1_795_253_445_123_456), "1.4.0-rc.1+gpu", "fraud-v1-4-0-7c9f", 12);
        let (folder, file) = name.in_sink();
        assert_eq!(folder, "date=2026-11-21");
        assert_eq!(file, "20261121T093045.123456Z-1.4.0-rc.1_gpu-fraud-v1-4-0-7c9f-12.parquet");
        assert_eq!(day_of_folder(&folder), Some(day(at(1_795_253_445_123_456))));
    }

    #[test]
    fn each_kind_of_file_in_the_spool_is_recognized_by_its_name() {
        let name = || FileName::new(at(1_795_253_445_000_001), "1.3.0", "pod", 0);
        assert_eq!(SpoolEntry::of(&name().open()), Some(SpoolEntry::Open(name())));
        assert_eq!(SpoolEntry::of(&name().journal()), Some(SpoolEntry::Journal(name())));
        let ready = name().ready(1234, 0xbeef);
        assert_eq!(SpoolEntry::of(&ready), Some(SpoolEntry::Ready { name: name(), rows: 1234, crc: 0xbeef }));
        for foreign in ["lost+found", "x.parquet", "20261121T.parquet", "../20261121T.1.2.parquet", ""] {
            assert_eq!(SpoolEntry::of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_time_beyond_the_calendar_becomes_the_nearest_time_in_it() {
        assert_eq!(micros(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), 0);
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 60);
        assert_eq!(micros(end), LAST);
        assert_eq!(timestamp(end).as_second(), Timestamp::MAX.as_second());
    }

    #[test]
    fn only_a_folder_with_a_valid_date_is_a_folder_of_records() {
        assert_eq!(day_of_folder("date=1970-01-02"), Some(1));
        for foreign in ["date=", "date=2026-13-01", "dates=2026-11-21", "2026-11-21"] {
            assert_eq!(day_of_folder(foreign), None, "{foreign}");
        }
    }
}
