//! Places as ranges of a text.

use ruff_text_size::{TextRange, TextSize};

use crate::finding::Span;

/// The ranges of spans in a text, in one pass over it however many they are; `None` of a span that is not in the text.
pub(super) fn ranges(text: &str, spans: &[Option<Span>]) -> Vec<Option<TextRange>> {
    let points = spans.iter().enumerate().filter_map(|(number, span)| Some((number, (*span)?)));
    let mut points: Vec<((u32, u32), usize, bool)> = points
        .flat_map(|(number, span)| {
            [((span.line, span.column), number, true), ((span.end_line, span.end_column), number, false)]
        })
        .collect();
    points.sort_unstable();
    let mut found: Vec<(Option<TextSize>, Option<TextSize>)> = vec![(None, None); spans.len()];
    let mut points = points.into_iter().peekable();
    let mut here = (1, 1);
    let mut characters = text.char_indices().peekable();
    loop {
        let next = characters.next();
        // A byte order mark is no character of the first line: the first real one has its column.
        let at = next.map_or(text.len(), |(at, _)| at);
        if next.is_none_or(|(_, character)| character != '\u{feff}') {
            while let Some((_, number, start)) = points.next_if(|(place, ..)| *place <= here) {
                let place = TextSize::try_from(at).ok();
                if start {
                    found[number].0 = place;
                } else {
                    found[number].1 = place;
                }
            }
        }
        match next {
            None => break,
            Some((_, '\u{feff}')) => {}
            Some((_, '\r')) if characters.peek().is_some_and(|(_, after)| *after == '\n') => here.1 += 1,
            Some((_, '\n' | '\r')) => here = (here.0 + 1, 1),
            Some(_) => here.1 += 1,
        }
    }
    let range = |(start, end): (Option<TextSize>, Option<TextSize>)| {
        let (start, end) = (start?, end?);
        (start <= end).then(|| TextRange::new(start, end))
    };
    found.into_iter().map(range).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::python::Lines;

    proptest! {
        #[test]
        fn spans_lead_back(text in "\u{feff}?[aü\r\n ]{0,24}", start in 0_usize..24, length in 0_usize..6) {
            let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let start = start.min(boundaries.len() - 1);
            let end = (start + length).min(boundaries.len() - 1);
            let of = |at: usize| TextSize::try_from(boundaries[at]).unwrap();
            let range = TextRange::new(of(start), of(end));
            let lines = Lines::of(&text);
            let span = lines.span(range);
            let again = ranges(&text, &[Some(span), None])[0];
            // In front of and behind a byte order mark is one place.
            prop_assert_eq!(again.map(|again| lines.span(again)), Some(span));
            if !text.starts_with('\u{feff}') {
                prop_assert_eq!(again, Some(range));
            }
        }
    }
}
