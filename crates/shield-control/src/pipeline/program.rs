//! Which program runs, to the build.
//!
//! Linkers write the digest of what they have linked into it (`NT_GNU_BUILD_ID`): that is at hand without reading the rest. A
//! program without one is known by the digest of its whole file.

use std::{
    fs::File,
    io::{self, Read, Seek},
};

use shield_types::{DigestHasher, Sha256Digest};

/// The file itself, even if another one has its name by now.
const PROGRAM: &str = "/proc/self/exe";
/// Headers and notes come first.
const BEGINNING_BYTES: u64 = 64 << 10;
/// 64 bits, least byte first (elf(5)).
const MAGIC: &[u8] = b"\x7fELF\x02\x01";
const PT_NOTE: u64 = 4;
const NT_GNU_BUILD_ID: u64 = 3;
/// A shorter one is no digest.
const ID_BYTES_MIN: usize = 16;

/// What tells this program from every other one: another version, other rules, another compiler.
///
/// # Errors
/// If its file cannot be read.
pub(super) fn identity() -> io::Result<Sha256Digest> {
    let mut file = File::open(PROGRAM)?;
    let mut hasher = DigestHasher::new();
    let mut beginning = Vec::new();
    (&mut file).take(BEGINNING_BYTES).read_to_end(&mut beginning)?;
    if let Some(id) = build_id(&beginning) {
        hasher.update(b"build id");
        hasher.update(&file.metadata()?.len().to_le_bytes());
        hasher.update(id);
    } else {
        file.rewind()?;
        io::copy(&mut file, &mut hasher)?;
    }
    Ok(hasher.finish())
}

/// The id in the beginning of a program.
fn build_id(elf: &[u8]) -> Option<&[u8]> {
    if !elf.starts_with(MAGIC) {
        return None;
    }
    let (at, size, count) = (number(elf, 32, 8)?, number(elf, 54, 2)?, number(elf, 56, 2)?);
    (0..count).find_map(|index| {
        let header = elf.get(at.checked_add(index.checked_mul(size)?)?..)?;
        if number(header, 0, 4)? as u64 != PT_NOTE {
            return None;
        }
        let (from, length) = (number(header, 8, 8)?, number(header, 32, 8)?);
        let notes = elf.get(from..from.checked_add(length)?)?;
        // Four bytes, or eight where the segment says so.
        id_in(notes, if number(header, 48, 8)? == 8 { 8 } else { 4 })
    })
}

fn id_in(mut notes: &[u8], align: usize) -> Option<&[u8]> {
    loop {
        let (name_bytes, id_bytes) = (number(notes, 0, 4)?, number(notes, 4, 4)?);
        let kind = number(notes, 8, 4)? as u64;
        let id_at = name_bytes.checked_add(12)?.checked_next_multiple_of(align)?;
        let end = id_at.checked_add(id_bytes)?;
        if kind == NT_GNU_BUILD_ID && notes.get(12..12 + name_bytes)? == b"GNU\0" {
            return notes.get(id_at..end).filter(|id| id.len() >= ID_BYTES_MIN);
        }
        notes = notes.get(end.checked_next_multiple_of(align)?..)?;
    }
}

/// A number of so many bytes, least first.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    let number = bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// A program with one segment of notes.
    fn program(notes: &[u8]) -> Vec<u8> {
        let mut elf = vec![0; 120];
        elf[..MAGIC.len()].copy_from_slice(MAGIC);
        (elf[32], elf[54], elf[56]) = (64, 56, 1);
        (elf[64], elf[72], elf[112]) = (4, 120, 4);
        elf[96] = u8::try_from(notes.len()).unwrap();
        [elf, notes.to_vec()].concat()
    }

    fn note(name: &[u8; 4], kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        [&[4, 0, 0, 0, length, 0, 0, 0, kind, 0, 0, 0], name.as_slice(), content].concat()
    }

    #[test]
    fn id_is_found_behind_other_notes() {
        let id = [7; 20];
        let others = [note(b"GNU\0", 1, &[1; 16]), note(b"ABC\0", 3, &[2; 20])].concat();
        assert_eq!(build_id(&program(&[others.clone(), note(b"GNU\0", 3, &id)].concat())), Some(&id[..]));
        for without in [others, note(b"GNU\0", 3, &[7; 4]), Vec::new()] {
            assert_eq!(build_id(&program(&without)), None);
        }
        assert_eq!(build_id(b"#!/bin/sh"), None);
    }

    #[test]
    fn this_program_is_itself() {
        assert_eq!(identity().unwrap(), identity().unwrap());
        let whole = fs::read(PROGRAM).unwrap();
        let id = build_id(&whole[..64 << 10]).expect("the linker here writes one");
        assert!(id.len() >= ID_BYTES_MIN);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300), notes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = build_id(&bytes);
            let _ = build_id(&[MAGIC, &bytes].concat());
            let _ = build_id(&program(&notes));
        }
    }
}
