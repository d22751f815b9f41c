//! Which browser on which system: what stays the same while both update themselves.

/// Bytes of the header that are looked at.
const LOOKED_AT_MAX: usize = 512;

/// A browser, as far as a session's risk needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browser {
    /// Edge.
    Edge,
    /// Opera.
    Opera,
    /// Firefox.
    Firefox,
    /// Chrome and what cannot be told from it.
    Chrome,
    /// Safari.
    Safari,
    /// Anything else that said something.
    Other,
    /// The header was missing or empty.
    Unnamed,
}

/// An operating system, as far as a session's risk needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Windows.
    Windows,
    /// Android.
    Android,
    /// iOS and iPadOS that do not pretend to be macOS.
    Ios,
    /// macOS.
    MacOs,
    /// Linux that is not Android.
    Linux,
    /// Anything else.
    Other,
}

/// What a `User-Agent` says that updates do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserAgentFamily {
    /// The browser.
    pub browser: Browser,
    /// The system under it.
    pub system: System,
}

/// Marks of browsers, each before those that it also carries.
const BROWSERS: [(&[u8], Browser); 8] = [
    (b"Edg", Browser::Edge),
    (b"OPR/", Browser::Opera),
    (b"Firefox/", Browser::Firefox),
    (b"FxiOS/", Browser::Firefox),
    (b"CriOS/", Browser::Chrome),
    (b"Chrome/", Browser::Chrome),
    (b"Version/", Browser::Safari),
    (b"Safari/", Browser::Safari),
];

/// Marks of systems, in the same order.
const SYSTEMS: [(&[u8], System); 6] = [
    (b"Windows", System::Windows),
    (b"Android", System::Android),
    (b"iPhone", System::Ios),
    (b"iPad", System::Ios),
    (b"Macintosh", System::MacOs),
    (b"Linux", System::Linux),
];

// === impl UserAgentFamily ===

impl UserAgentFamily {
    /// Reads the header.
    pub fn of(user_agent: &[u8]) -> Self {
        let text = &user_agent[..user_agent.len().min(LOOKED_AT_MAX)];
        if text.trim_ascii().is_empty() {
            return Self { browser: Browser::Unnamed, system: System::Other };
        }
        Self { browser: first(text, &BROWSERS, Browser::Other), system: first(text, &SYSTEMS, System::Other) }
    }
}

fn first<T: Copy>(text: &[u8], marks: &[(&[u8], T)], otherwise: T) -> T {
    let carries = |mark: &[u8]| text.windows(mark.len()).any(|window| window == mark);
    marks.iter().find(|(mark, _)| carries(mark)).map_or(otherwise, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Browser, System, UserAgentFamily};

    #[test]
    fn tells_the_usual_ones_apart() {
        let cases = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                Browser::Edge,
                System::Windows,
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
                Browser::Chrome,
                System::Android,
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
                Browser::Firefox,
                System::Linux,
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
                Browser::Safari,
                System::MacOs,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile/15E148 Safari/604.1",
                Browser::Chrome,
                System::Ios,
            ),
            ("curl/8.5.0", Browser::Other, System::Other),
            ("", Browser::Unnamed, System::Other),
            (" \t", Browser::Unnamed, System::Other),
        ];
        for (text, browser, system) in cases {
            assert_eq!(UserAgentFamily::of(text.as_bytes()), UserAgentFamily { browser, system }, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_update_does_not_change_the_family(major in 1_u32..1_000, minor in 0_u32..10_000) {
            let text = format!("Mozilla/5.0 (X11; Linux x86_64; rv:{major}.0) Gecko/20100101 Firefox/{major}.{minor}");
            let expected = UserAgentFamily { browser: Browser::Firefox, system: System::Linux };
            prop_assert_eq!(UserAgentFamily::of(text.as_bytes()), expected);
        }

        #[test]
        fn any_bytes_have_a_family(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            UserAgentFamily::of(&bytes);
        }
    }
}
