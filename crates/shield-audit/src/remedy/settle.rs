//! Which of several changes can be kept together.

/// Takes candidates into what is accepted as long as `judge` agrees to all that is accepted. Whole groups are tried first and halved where they fail,
/// so that few bad ones among many cost few judgements. Whatever is returned as accepted was agreed to in exactly this company.
///
/// Returned are the accepted ones, in order, and the others with what `judge` said about them.
pub(super) fn settle<E>(
    candidates: &[usize],
    judge: &mut dyn FnMut(&[usize]) -> Result<(), E>,
) -> (Vec<usize>, Vec<(usize, E)>) {
    let mut accepted = Vec::new();
    let mut rejected = Vec::new();
    // A stack in place of recursion: the first half is on top.
    let mut waiting: Vec<&[usize]> = vec![candidates];
    while let Some(group) = waiting.pop() {
        if group.is_empty() {
            continue;
        }
        let company: Vec<usize> = accepted.iter().chain(group).copied().collect();
        match (judge(&company), group) {
            (Ok(()), _) => accepted = company,
            (Err(why), [alone]) => rejected.push((*alone, why)),
            (Err(_), _) => {
                let (left, right) = group.split_at(group.len() / 2);
                waiting.push(right);
                waiting.push(left);
            }
        }
    }
    (accepted, rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bad_are_rejected() {
        let candidates: Vec<usize> = (0..100).collect();
        let mut judgements = 0;
        let (accepted, rejected) = settle(&candidates, &mut |set: &[usize]| {
            judgements += 1;
            if set.contains(&13) || set.contains(&77) { Err("bad") } else { Ok(()) }
        });
        assert_eq!(rejected, [(13, "bad"), (77, "bad")]);
        assert_eq!(accepted.len(), 98);
        assert!(judgements < 40, "{judgements}");
    }

    #[test]
    fn bad_company_loses_the_later_one() {
        let (accepted, rejected) = settle(&[1, 2, 3], &mut |set: &[usize]| {
            if set.contains(&1) && set.contains(&3) { Err(()) } else { Ok(()) }
        });
        assert_eq!((accepted, rejected), (vec![1, 2], vec![(3, ())]));
    }
}
