//! A small table of writing systems: enough to tell an honest mix of scripts in one label from a deceptive one.

/// The scripts that host names are written in, as far as mixing them matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Script {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    Hebrew,
    Arabic,
    Indic,
    Thai,
    Georgian,
    Cherokee,
    Hangul,
    Kana,
    Bopomofo,
    Han,
    Other,
}

/// The script of a character; None for digits, hyphens, marks and whatever else belongs to all.
pub(super) fn script_of(character: char) -> Option<Script> {
    Some(match character {
        'a'..='z'
        | 'A'..='Z'
        | '\u{AA}'
        | '\u{BA}'
        | '\u{C0}'..='\u{24F}'
        | '\u{250}'..='\u{2AF}'
        | '\u{1D00}'..='\u{1DBF}'
        | '\u{1E00}'..='\u{1EFF}'
        | '\u{A720}'..='\u{A7FF}' => Script::Latin,
        '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}' => Script::Greek,
        '\u{400}'..='\u{52F}'
        | '\u{1C80}'..='\u{1C8F}'
        | '\u{2DE0}'..='\u{2DFF}'
        | '\u{A640}'..='\u{A69F}' => Script::Cyrillic,
        '\u{530}'..='\u{58F}' => Script::Armenian,
        '\u{590}'..='\u{5FF}' => Script::Hebrew,
        '\u{600}'..='\u{6FF}' | '\u{750}'..='\u{77F}' | '\u{8A0}'..='\u{8FF}' => Script::Arabic,
        '\u{900}'..='\u{DFF}' => Script::Indic,
        '\u{E00}'..='\u{E7F}' => Script::Thai,
        '\u{10A0}'..='\u{10FF}' | '\u{1C90}'..='\u{1CBF}' | '\u{2D00}'..='\u{2D2F}' => Script::Georgian,
        '\u{13A0}'..='\u{13FF}' | '\u{AB70}'..='\u{ABBF}' => Script::Cherokee,
        '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' | '\u{AC00}'..='\u{D7FF}' => Script::Hangul,
        '\u{30FB}' | '\u{30FC}' => return None,
        '\u{3040}'..='\u{30FF}' => Script::Kana,
        '\u{3100}'..='\u{312F}' => Script::Bopomofo,
        '\u{3005}'..='\u{3007}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}' => Script::Han,
        '0'..='9' | '-' | '_' | '\u{300}'..='\u{36F}' | '\u{B7}' => return None,
        // Symbols such as emoji belong to no alphabet.
        _ if !character.is_alphanumeric() => return None,
        _ => Script::Other,
    })
}

/// The distinct scripts of a label.
pub(super) fn scripts_of(label: &str) -> Vec<Script> {
    let mut scripts: Vec<Script> = label.chars().filter_map(script_of).collect();
    scripts.sort_unstable();
    scripts.dedup();
    scripts
}

/// Whether honest labels mix these: one script, or Latin with one East Asian writing system.
pub(super) fn ordinary_mix(scripts: &[Script]) -> bool {
    use Script::{Bopomofo, Han, Hangul, Kana, Latin};
    let within = |allowed: &[Script]| scripts.iter().all(|script| allowed.contains(script));
    scripts.len() < 2
        || within(&[Latin, Han, Kana])
        || within(&[Latin, Han, Bopomofo])
        || within(&[Latin, Han, Hangul])
}

/// Whether the country of this top-level domain writes in this script, so that a short word of such letters is only that.
pub(super) fn written_at_home(scripts: &[Script], top_level: &str) -> bool {
    match scripts {
        [Script::Cyrillic] => {
            ["bg", "by", "kg", "kz", "mk", "mn", "rs", "ru", "su", "tj", "ua", "uz"].contains(&top_level)
        }
        [Script::Greek] => ["cy", "eu", "gr"].contains(&top_level),
        _ => false,
    }
}

/// Cyrillic and Greek letters that most fonts draw like Latin ones.
pub(super) fn drawn_like_latin(character: char) -> bool {
    matches!(
        character,
        'а' | 'с'
            | 'ԁ'
            | 'е'
            | 'һ'
            | 'і'
            | 'ј'
            | 'ӏ'
            | 'о'
            | 'р'
            | 'ԛ'
            | 'ѕ'
            | 'ԝ'
            | 'х'
            | 'у'
            | 'ү'
            | 'ѵ'
            | 'ь'
            | 'ѡ'
            | 'г'
            | 'α'
            | 'ι'
            | 'κ'
            | 'ν'
            | 'ο'
            | 'ρ'
            | 'υ'
            | 'χ'
            | 'γ'
            | 'ϲ'
            | 'ϳ'
            | '0'..='9' | '-'
    )
}
