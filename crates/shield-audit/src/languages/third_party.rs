//! Libraries that lie among a project's files: what is minified, bundled or copied in whole.
//!
//! They are not the project's to mend, and so they are good to know, as what is found in tests is. They stay in the report, since
//! an old library is served like the newest code.

use super::Language;

/// Folders of what others wrote, in any language.
const FOLDERS: [&str; 6] =
    ["bower_components", "jspm_packages", "third_party", "third-party", "thirdparty", "vendor"];

/// Folders of what bundlers of JavaScript write.
const BUNDLES: [&str; 2] = ["dist", "vendors"];

/// So many bytes a banner is looked for in.
const BANNER_BYTES: usize = 300;

/// Whether a file is no code of the project's own.
pub(super) fn is_third_party(path: &str, text: &str, language: Language) -> bool {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let below = |names: &[&str]| directory.split('/').any(|part| names.contains(&part));
    let minified = [".min.", ".bundle.", "-min."].iter().any(|mark| name.contains(mark));
    let script = language.shares_rules(Language::JavaScript);
    below(&FOLDERS) || script && (below(&BUNDLES) || minified || has_banner(text))
}

/// `/*! jQuery v3.4.1 | (c) …`: a comment that minifiers keep, with a version.
fn has_banner(text: &str) -> bool {
    let Some(banner) = text.trim_start().strip_prefix("/*!") else { return false };
    let banner = &banner[..banner.floor_char_boundary(BANNER_BYTES.min(banner.len()))];
    let comment = banner.split("*/").next().unwrap_or_default();
    let mut words = comment.split(|one: char| !one.is_alphanumeric() && one != '.');
    words.any(|word| {
        let version = word.strip_prefix('v').unwrap_or(word);
        version.starts_with(|first: char| first.is_ascii_digit()) && version.contains('.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_known_by_place_and_banner() {
        let script = |path: &str, text: &str| is_third_party(path, text, Language::JavaScript);
        for path in ["a.min.js", "public/vendor/a.js", "dist/main.js", "a/third_party/b.js", "b.bundle.js"] {
            assert!(script(path, "f()"), "{path}");
        }
        for path in ["a.js", "admin.js", "src/distance/a.js", "vendor.js"] {
            assert!(!script(path, "f()"), "{path}");
        }
        assert!(script("a.js", "\n/*!\n * jQuery JavaScript Library v3.4.1\n */"));
        assert!(!script("a.js", "/*! our own, see 1 */ f(1.0)") && !script("a.js", "/* a v1.2 */"));
        assert!(is_third_party("vendor/a/b.go", "", Language::Go));
        assert!(!is_third_party("dist/b.go", "", Language::Go));
    }
}
