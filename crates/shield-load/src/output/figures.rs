//! Figures as people read them: three digits that count, thousands set apart.

/// What stands for a figure that there is not.
pub(super) const ABSENT: &str = "–";

/// A count.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count that there may not be.
pub(super) fn count_or_absent(value: Option<u64>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), count)
}

/// A measured value, in whatever unit: three digits, and all of those before the point. Never rounded to none.
pub(crate) fn figure(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 999.5 && value > 0.0 => count(value.round() as u64),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.9995 => format!("{value:.2}"),
        size if size >= 0.0005 => format!("{value:.3}"),
        _ if value > 0.0 => "< 0.001".to_owned(),
        _ => "> -0.001".to_owned(),
    }
}

/// A measured value that there may not be.
pub(super) fn figure_or_absent(value: Option<f64>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), figure)
}

/// The share that a part has in a whole. Never rounded to none or to all when it is neither.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return ABSENT.to_owned();
    }
    let percent = part as f64 / whole as f64 * 100.0;
    match part {
        0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        _ if percent < 0.01 => "< 0.01 %".to_owned(),
        _ if percent > 99.99 => "> 99.99 %".to_owned(),
        _ => format!("{percent:.2} %"),
    }
}

/// A length of time, or a time from the start.
pub(super) fn seconds(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    if value < 120.0 {
        return format!("{value:.1} s");
    }
    let whole = value.round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours} h {minutes:02} min {rest:02} s")
    } else {
        format!("{minutes} min {rest:02} s")
    }
}

/// A time from the start, as a clock shows it: `1:05`, `2:00:00`.
pub(super) fn clock(value: f64) -> String {
    let whole = if value.is_finite() { value.max(0.0) as u64 } else { 0 };
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

#[cfg(test)]
mod tests {
    use super::{clock, count, figure, seconds, share};

    #[test]
    fn three_digits_count() {
        let shown =
            [0.0, 0.0001, 0.1234, 1.234, 9.999, 12.34, 99.96, 123.4, 999.6, 12345.6, f64::NAN].map(figure);
        assert_eq!(
            shown,
            ["0", "< 0.001", "0.123", "1.23", "10.0", "12.3", "100", "123", "1,000", "12,346", "–"]
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn few_are_not_none() {
        let shown =
            [share(0, 9), share(9, 9), share(1, 100_000_000), share(99_999_999, 100_000_000), share(0, 0)];
        assert_eq!(shown, ["0 %", "100 %", "< 0.01 %", "> 99.99 %", "–"]);
        assert_eq!(share(1, 8), "12.50 %");
    }

    #[test]
    fn times_are_told() {
        assert_eq!(
            [1.25, 119.9, 125.0, 7265.0].map(seconds),
            ["1.2 s", "119.9 s", "2 min 05 s", "2 h 01 min 05 s"]
        );
        assert_eq!([5.0, 65.0, 7265.0].map(clock), ["0:05", "1:05", "2:01:05"]);
    }
}
