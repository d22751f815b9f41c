//! Scripts that lie in pages and components: the `<script>` blocks of HTML, Vue and Svelte.

use std::{borrow::Cow, ops::Range};

use super::{Language, javascript::MARKUP};
use crate::{configuration::hits::Hit, finding::Confidence};

/// Endings of files whose scripts are looked at. Where a server fills a page in, its own language stands between the characters of the script.
const ENDINGS: [&str; 5] = ["htm", "html", "svelte", "vue", "xhtml"];

/// What a server writes into a page: Jinja, Django, Angular and Handlebars; EJS, ERB and ASP; PHP. The first gives a value, the others may.
const FILLED: [(&str, &str); 5] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}"), ("<%", "%>"), ("<?", "?>")];

/// The code of a file.
#[derive(Debug)]
pub(super) struct Code<'t> {
    /// The file with nothing but its code: every byte of that is where it was, and so are the ends of lines.
    pub(super) text: Cow<'t, str>,
    /// Where the code is.
    pub(super) parts: Vec<Range<usize>>,
    pub(super) language: Language,
}

// === impl Code ===

impl<'t> Code<'t> {
    /// A file that is code from its beginning to its end.
    pub(super) fn whole(text: &'t str, language: Language) -> Self {
        Self { text: Cow::Borrowed(text), parts: Vec::from([Range { start: 0, end: text.len() }]), language }
    }
}

/// Whether a file of this name may hold scripts.
pub(super) fn is_candidate(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

/// Whether a page has the beginning of a script.
pub(super) fn mentions_scripts(page: &[u8]) -> bool {
    ["<script", "<SCRIPT", "<Script"].iter().any(|tag| memchr::memmem::find(page, tag.as_bytes()).is_some())
}

/// The scripts of a page; none, if there are none.
pub(super) fn scripts(path: &str, page: &str) -> Option<Code<'static>> {
    let blocks = blocks(page);
    let first = blocks.first()?;
    let language = blocks.iter().map(|block| block.language).max().unwrap_or(first.language);
    let blocks: Vec<_> = blocks.into_iter().map(|block| block.range).collect();
    let mut text: Vec<u8> = page.bytes().map(|byte| if byte == b'\n' { byte } else { b' ' }).collect();
    for block in &blocks {
        text[block.clone()].copy_from_slice(&page.as_bytes()[block.clone()]);
        // Two scripts in one line are two programs.
        text[block.end] = b';';
    }
    // In components, `{{` is part of the markup, never of a script.
    if !path.ends_with(".vue") && !path.ends_with(".svelte") {
        blocks.iter().for_each(|block| empty(&mut text[block.clone()]));
    }
    let text = String::from_utf8(text).expect("whole characters were put in the place of as many spaces");
    Some(Code { text: Cow::Owned(text), parts: blocks, language })
}

/// Where components put markup that they do not escape: Vue's `v-html`, Svelte's `{@html …}`.
const RAW: [(&str, &str, char); 3] =
    [(".vue", " v-html=\"", '"'), (".html", " v-html=\"", '"'), (".svelte", "{@html ", '}')];

/// Characters of a value that are looked at.
const VALUE_MAX: usize = 500;

/// Values that a component puts into its page as they are, unless something cleans them.
pub(super) fn raw_markup(path: &str, page: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (_, start, end) in RAW.into_iter().filter(|(ending, ..)| path.ends_with(ending)) {
        for at in memchr::memmem::find_iter(page.as_bytes(), start).map(|at| at + start.len()) {
            let value: String = page[at..].chars().take(VALUE_MAX).take_while(|one| *one != end).collect();
            let cleaned = ["sanitiz", "sanitis", "purify", "escape"]
                .iter()
                .any(|word| value.to_ascii_lowercase().contains(word));
            let hit = Hit::of(&MARKUP, at..at + value.len(), start.trim_matches([' ', '{', '@', '=', '"']));
            hits.extend((!cleaned).then(|| hit.confidence(Confidence::Low)));
        }
    }
    hits
}

/// A block of script.
struct Block {
    range: Range<usize>,
    language: Language,
}

/// The blocks that a browser runs or a compiler reads, in the order of the page. What is commented out is not run.
fn blocks(page: &str) -> Vec<Block> {
    let bytes = page.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = memchr::memchr(b'<', &bytes[at..]).map(|start| at + start) {
        let rest = &page[start..];
        at = start + 1;
        if rest.starts_with("<!--") {
            at = rest.find("-->").map_or(page.len(), |end| start + end);
        } else if begins(rest, "<script") {
            let Some(open) = rest.find('>').map(|end| start + end + 1) else { break };
            let end = end_of_script(page, open);
            let language = language(&page[start..open - 1]).filter(|_| end < page.len() && open < end);
            found.extend(language.map(|language| Block { range: open..end, language }));
            at = end;
        }
    }
    found
}

fn begins(text: &str, with: &str) -> bool {
    text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

fn end_of_script(page: &str, from: usize) -> usize {
    let ends = memchr::memmem::find_iter(&page.as_bytes()[from..], b"</").map(|at| from + at);
    ends.into_iter().find(|at| begins(&page[*at..], "</script")).unwrap_or(page.len())
}

/// The language that the tag of a block says; none, if it holds data or a template.
fn language(tag: &str) -> Option<Language> {
    let attribute = |name: &str| {
        let mut places = tag.match_indices(name).filter(|(at, _)| tag[..*at].ends_with(char::is_whitespace));
        let value = places.find_map(|(at, _)| tag[at + name.len()..].trim_start().strip_prefix('='))?;
        let value = value.trim_start().trim_start_matches(['"', '\'']);
        Some(value.split(['"', '\'', ' ', '>', ';']).next().unwrap_or(value).to_ascii_lowercase())
    };
    match attribute("lang").or_else(|| attribute("type")).as_deref() {
        None | Some("" | "js" | "jsx" | "javascript" | "module" | "text/babel" | "text/jsx") => {
            Some(Language::JavaScript)
        }
        Some("ts" | "typescript" | "text/typescript") => Some(Language::TypeScript),
        Some("tsx") => Some(Language::TypeScriptElements),
        Some(kind) => kind.ends_with("/javascript").then_some(Language::JavaScript),
    }
}

/// Puts a name in the place of what a server fills in, and nothing in that of what decides about it.
fn empty(script: &mut [u8]) {
    let mut endless = [false; FILLED.len()];
    let mut at = 0;
    while at < script.len() {
        let begins = |(start, _): &(&str, &str)| script[at..].starts_with(start.as_bytes());
        let Some(kind) = FILLED.iter().position(begins).filter(|kind| !endless[*kind]) else {
            at += 1;
            continue;
        };
        let (start, end) = FILLED[kind];
        let Some(to) = memchr::memmem::find(&script[at..], end.as_bytes()) else {
            endless[kind] = true;
            continue;
        };
        let to = at + to + end.len();
        let value = start == "{{" || script[at..].starts_with(b"<%=") || script[at..].starts_with(b"<?=");
        let filler = if value { b'_' } else { b' ' };
        script[at..to].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = filler);
        at = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(path: &str, page: &str) -> Vec<String> {
        let Some(code) = scripts(path, page) else { return Vec::new() };
        assert_eq!(code.text.len(), page.len());
        code.parts.iter().map(|part| code.text[part.clone()].to_owned()).collect()
    }

    #[test]
    fn scripts_are_what_a_browser_runs() {
        let page = "<p>ü</p><!-- <script>a</script> --><SCRIPT type=module>b</SCRIPT >\n<script type='text/x-template'>c</script>\
                    <script src=d></script><script type=\"text/javascript\" async>e<f</script><script>g";
        assert_eq!(code("a.html", page), ["b", "e<f"]);
        assert!(code("a.html", "a < b <scr").is_empty() && code("a.html", "<script").is_empty());
        let scripts = scripts("a.html", page).unwrap();
        assert_eq!(scripts.text.trim(), "b;".to_owned() + &scripts.text.trim()[2..]);
        assert_eq!(scripts.text.matches('\n').count(), 1);
    }

    #[test]
    fn languages_are_said_by_tags() {
        let language =
            |tag: &str| scripts("a.vue", &format!("<script {tag}>a</script>")).map(|code| code.language);
        assert_eq!(language("setup lang=\"ts\""), Some(Language::TypeScript));
        assert_eq!(language("lang='tsx'"), Some(Language::TypeScriptElements));
        assert_eq!(language("data-lang=ts"), Some(Language::JavaScript));
        assert_eq!(language("lang=coffee"), None);
        assert_eq!(language("type=application/ld+json"), None);
    }

    #[test]
    fn what_a_server_fills_in_is_a_name() {
        let page = "<script>{% if a %}f({{ b }}, '<%= c %>'){# d #}<? e ?>{{</script>";
        assert_eq!(code("a.html", page), ["          f(_______, '________')              {{"]);
        assert_eq!(code("a.vue", "<script>f({{ b }})</script>"), ["f({{ b }})"]);
    }
}
