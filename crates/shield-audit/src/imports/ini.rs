//! Settings files in the form that Python's `configparser` reads: as much of it as pytest and setuptools use.
//!
//! Own code, because a finding needs the line of a section, and because what counts is exactly what those two tools would see.

/// A section of a settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// Its name, without brackets.
    pub(super) name: String,
    /// The line of its name, from 1.
    pub(super) line: u32,
    /// Its settings; lines that continue a value are joined by line feeds.
    pub(super) settings: Vec<(String, String)>,
}

/// Reads all sections; what stands before the first one is left out.
pub(super) fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) =
            content.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name)
            && !line.starts_with(char::is_whitespace)
        {
            sections.push(Section { name: name.trim().to_owned(), line: number, settings: Vec::new() });
            continue;
        }
        let Some(section) = sections.last_mut() else { continue };
        if line.starts_with(char::is_whitespace) {
            if let Some((_, value)) = section.settings.last_mut() {
                value.push('\n');
                value.push_str(content);
            }
        } else if let Some((key, value)) = content.split_once(['=', ':']) {
            section.settings.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    sections
}

// === impl Section ===

impl Section {
    /// A setting's value.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continued_values_are_joined() {
        let read =
            sections("x = 0\n# c\n[tool:pytest]\npythonpath =\n    src\n    # no\n    .\naddopts: -v\n[b]\n");
        let names: Vec<_> = read.iter().map(|section| (section.name.as_str(), section.line)).collect();
        assert_eq!(names, [("tool:pytest", 3), ("b", 9)]);
        assert_eq!(read[0].get("pythonpath"), Some("\nsrc\n."));
        assert_eq!(read[0].get("addopts"), Some("-v"));
        assert_eq!(read[0].get("x"), None);
    }
}
