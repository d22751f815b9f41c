//! Header blocks (HPACK, RFC 7541), without a dynamic table on either side.
//!
//! This client announces a table of size zero, so what a block means depends on nothing but its bytes, and a block that
//! nobody waits for need not be read. A server that refers to a table all the same broke the protocol. Of an answer, the
//! status, the length and the names are read; other values only when a step looks at headers.
//!
//! What is sent refers to the fixed table and is written out otherwise, so the block of a request that is the same each
//! time is the same bytes each time.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::codec::{Reason, Violation};
use super::huffman;
use super::table::STATIC;

/// Longest header list, counted as the protocol counts it, and longest block.
pub(super) const LIST_BYTES_MAX: usize = 64 * 1024;
/// What the protocol adds to the length of each field.
const FIELD_BYTES: usize = 32;

/// What the engine must know of the head of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scanned {
    pub(super) status: Option<u16>,
    pub(super) content_length: Option<u64>,
    pub(super) sets_cookie: bool,
}

/// A block cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockError {
    /// Nothing that follows on this connection can.
    Violation(Violation),
    /// The stream has no answer.
    Malformed(&'static str),
}

/// The fields of a request that HTTP/1.1 has in its first line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a str,
    pub(crate) scheme: &'a str,
    pub(crate) authority: &'a str,
    pub(crate) path: &'a str,
}

/// A field as it stands in a block.
#[derive(Clone, Copy, Debug)]
struct Field<'a> {
    name: Text<'a>,
    value: Text<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Text<'a> {
    Plain(&'a [u8]),
    Huffman(&'a [u8]),
}

/// Takes a block apart.
struct Fields<'a> {
    rest: &'a [u8],
    /// A field was read: sizes of the table may no longer be said.
    begun: bool,
    list_bytes: usize,
}

/// Writes the fields that a request begins with.
pub(crate) fn write_request_line(line: &RequestLine<'_>, out: &mut Vec<u8>) {
    write_field(":method", line.method.as_bytes(), out);
    write_field(":scheme", line.scheme.as_bytes(), out);
    write_field(":authority", line.authority.as_bytes(), out);
    write_field(":path", line.path.as_bytes(), out);
}

/// Writes one field.
pub(crate) fn write_field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    let whole = STATIC.iter().position(|field| field.0 == name && field.1.as_bytes() == value);
    if let (Some(index), false) = (whole, value.is_empty()) {
        return write_number(0x80, 7, index + 1, out);
    }
    // Secrets are marked as such for whoever passes them on.
    let secret = ["authorization", "cookie", "proxy-authorization"].contains(&name);
    let first = if secret { 0x10 } else { 0 };
    match STATIC.iter().position(|field| field.0 == name) {
        Some(index) => write_number(first, 4, index + 1, out),
        None => {
            out.push(first);
            write_text(name.as_bytes(), out);
        }
    }
    write_text(value, out);
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    write_number(0, 7, text.len(), out);
    out.extend_from_slice(text);
}

/// Writes a number into the low `bits` of `first`, and more bytes if it does not fit.
fn write_number(first: u8, bits: u32, mut number: usize, out: &mut Vec<u8>) {
    let most = (1_usize << bits) - 1;
    if number < most {
        return out.push(first | number as u8);
    }
    out.push(first | most as u8);
    number -= most;
    while number >= 0x80 {
        out.push(number as u8 & 0x7f | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads what must be known. `room` is room to work in.
pub(super) fn scan(block: &[u8], room: &mut Vec<u8>) -> Result<Scanned, BlockError> {
    let mut scanned = Scanned::default();
    let mut fields = Fields::new(block);
    let mut regular = false;
    while let Some(field) = fields.next()? {
        let name = field.name.plain(room)?;
        if let Some(pseudo) = name.strip_prefix(b":") {
            if pseudo != b"status" || regular || scanned.status.is_some() {
                return Err(BlockError::Malformed("the answer has pseudo-fields that it must not have"));
            }
            let status = number(field.value.plain(room)?).filter(|status| (100..1000).contains(status));
            let status = status.ok_or(BlockError::Malformed("the status of the answer is none"))?;
            scanned.status = u16::try_from(status).ok();
            continue;
        }
        regular = true;
        if name.is_empty() || name.iter().any(u8::is_ascii_uppercase) {
            return Err(BlockError::Malformed("a field of the answer has a name that is none"));
        }
        if name == b"set-cookie" {
            scanned.sets_cookie = true;
        } else if name == b"content-length" {
            let length = number(field.value.plain(room)?);
            let length = length.ok_or(BlockError::Malformed("the length of the answer is none"))?;
            if scanned.content_length.replace(length).is_some_and(|earlier| earlier != length) {
                return Err(BlockError::Malformed("the answer has two lengths"));
            }
        }
    }
    Ok(scanned)
}

/// All fields of a block that was scanned; those that are none are passed over.
pub(super) fn headers(block: &[u8], room: &mut Vec<u8>) -> Result<HeaderMap, BlockError> {
    let mut map = HeaderMap::new();
    let mut fields = Fields::new(block);
    while let Some(field) = fields.next()? {
        let name = HeaderName::from_bytes(field.name.plain(room)?);
        let value = HeaderValue::from_bytes(field.value.plain(room)?);
        if let (Ok(name), Ok(value)) = (name, value) {
            map.append(name, value);
        }
    }
    Ok(map)
}

fn number(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn compression(what: &'static str) -> BlockError {
    BlockError::Violation(Reason::COMPRESSION_ERROR.violated(what))
}

// === impl Text ===

impl<'a> Text<'a> {
    fn bytes(self) -> usize {
        match self {
            Self::Plain(bytes) | Self::Huffman(bytes) => bytes.len(),
        }
    }

    /// As it was meant; in `room` if it has to be decoded.
    fn plain<'r>(self, room: &'r mut Vec<u8>) -> Result<&'r [u8], BlockError>
    where
        'a: 'r,
    {
        match self {
            Self::Plain(bytes) => Ok(bytes),
            Self::Huffman(bytes) => {
                room.clear();
                huffman::decode(bytes, room).ok_or_else(|| compression("a field is compressed wrongly"))?;
                Ok(room)
            }
        }
    }
}

// === impl Fields ===

impl<'a> Fields<'a> {
    fn new(block: &'a [u8]) -> Self {
        Self { rest: block, begun: false, list_bytes: 0 }
    }

    fn next(&mut self) -> Result<Option<Field<'a>>, BlockError> {
        while let Some(first) = self.rest.first().copied() {
            if first & 0xe0 == 0x20 {
                if self.begun || self.number(5)? != 0 {
                    return Err(compression("the table of fields was refused, and is used"));
                }
                continue;
            }
            self.begun = true;
            let field = if first & 0x80 != 0 {
                let (name, value) = self.fixed(7)?;
                Field { name: Text::Plain(name.as_bytes()), value: Text::Plain(value.as_bytes()) }
            } else {
                // To be kept in the table, which holds nothing, or not: all the same.
                let bits = if first & 0x40 != 0 { 6 } else { 4 };
                self.literal(bits, first)?
            };
            self.list_bytes += field.name.bytes() + field.value.bytes() + FIELD_BYTES;
            if self.list_bytes > LIST_BYTES_MAX {
                let what = "the head of the answer is too long";
                return Err(BlockError::Violation(Reason::ENHANCE_YOUR_CALM.violated(what)));
            }
            return Ok(Some(field));
        }
        Ok(None)
    }

    fn literal(&mut self, bits: u32, first: u8) -> Result<Field<'a>, BlockError> {
        let name = if first & ((1 << bits) - 1) == 0 {
            self.rest = &self.rest[1..];
            self.text()?
        } else {
            Text::Plain(self.fixed(bits)?.0.as_bytes())
        };
        Ok(Field { name, value: self.text()? })
    }

    /// An entry of the fixed table.
    fn fixed(&mut self, bits: u32) -> Result<(&'static str, &'static str), BlockError> {
        let entry = self.number(bits)?.checked_sub(1).and_then(|index| STATIC.get(index));
        entry.copied().ok_or_else(|| compression("a field refers to the table that was refused"))
    }

    fn text(&mut self) -> Result<Text<'a>, BlockError> {
        let truncated = || compression("a header block ends in the middle");
        let first = *self.rest.first().ok_or_else(truncated)?;
        let length = self.number(7)?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or_else(truncated)?;
        self.rest = rest;
        Ok(if first & 0x80 != 0 { Text::Huffman(text) } else { Text::Plain(text) })
    }

    /// A number that begins in the low `bits` of the next byte.
    fn number(&mut self, bits: u32) -> Result<usize, BlockError> {
        let broken = || compression("a number in a header block is broken");
        let (first, mut rest) = self.rest.split_first().ok_or_else(broken)?;
        let most = (1_usize << bits) - 1;
        let mut number = usize::from(*first) & most;
        if number == most {
            let mut shift = 0;
            loop {
                let (byte, after) = rest.split_first().ok_or_else(broken)?;
                rest = after;
                number += usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
                // Four bytes say more than any block holds.
                if shift > 21 {
                    return Err(broken());
                }
            }
        }
        self.rest = rest;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scanned(block: &[u8]) -> Result<Scanned, BlockError> {
        scan(block, &mut Vec::new())
    }

    fn written(fields: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        fields.iter().for_each(|(name, value)| write_field(name, value, &mut out));
        out
    }

    #[test]
    fn request_is_written_short() {
        let mut out = Vec::new();
        let line = RequestLine { method: "GET", scheme: "http", authority: "a:1", path: "/" };
        write_request_line(&line, &mut out);
        assert_eq!(out, b"\x82\x86\x01\x03a:1\x84");
        assert_eq!(written(&[("x-a", b"b")]), b"\0\x03x-a\x01b");
        assert_eq!(written(&[("cookie", b"")]), b"\x1f\x11\0");
    }

    #[test]
    fn fixed_table_is_that_of_the_standard() {
        let at = |number: usize| STATIC[number - 1].0;
        let checked = [at(1), at(8), at(16), at(28), at(32), at(38), at(46), at(54), at(55), at(61)];
        let expected = [
            ":authority",
            ":status",
            "accept-encoding",
            "content-length",
            "cookie",
            "host",
            "location",
            "server",
            "set-cookie",
            "www-authenticate",
        ];
        assert_eq!(checked, expected);
    }

    #[test]
    fn finds_what_matters() {
        let block = written(&[(":status", b"404"), ("content-length", b"12"), ("set-cookie", b"a=1")]);
        let expected = Scanned { status: Some(404), content_length: Some(12), sets_cookie: true };
        assert_eq!(scanned(&block), Ok(expected));
        // RFC 7541, C.6.1, whose first field is `:status: 302`, compressed and to be kept in the table.
        assert_eq!(scanned(&[0x48, 0x82, 0x64, 0x02]).unwrap().status, Some(302));
        // A size of zero may be said first.
        assert_eq!(scanned(&[0x20, 0x88]).unwrap().status, Some(200));
    }

    #[test]
    fn table_that_was_refused_is_a_violation() {
        for block in [&[0xbe][..], &[0x80], &[0x7e, 0], &[0x88, 0x20], &[0x3f, 0xe1, 0x1f], &[0x0f, 0x2f, 0]]
        {
            assert!(matches!(scanned(block), Err(BlockError::Violation(_))), "{block:x?}");
        }
    }

    #[test]
    fn broken_block_is_a_violation() {
        for block in [&[0x08][..], &[0x08, 0x05, b'2'], &[0xff], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] {
            assert!(matches!(scanned(block), Err(BlockError::Violation(_))), "{block:x?}");
        }
        let long = vec![0x88; LIST_BYTES_MAX];
        assert!(scanned(&long).is_err());
        let long = vec![0x90; LIST_BYTES_MAX];
        assert!(matches!(scanned(&long), Err(BlockError::Violation(_))));
    }

    #[test]
    fn answer_without_sense_is_malformed() {
        let blocks = [
            written(&[(":status", b"20")]),
            written(&[(":status", b"2x0")]),
            written(&[(":status", b"200"), (":status", b"200")]),
            written(&[("a", b"b"), (":status", b"200")]),
            written(&[(":path", b"/")]),
            written(&[("Upper", b"b")]),
            written(&[("content-length", b"+1")]),
            written(&[("content-length", b"1"), ("content-length", b"2")]),
        ];
        for block in blocks {
            assert!(matches!(scanned(&block), Err(BlockError::Malformed(_))), "{block:x?}");
        }
    }

    #[test]
    fn headers_are_all_there() {
        let block =
            written(&[(":status", b"200"), ("etag", b"x"), ("x-a", b"1"), ("x-a", b"2"), ("b", b"\n")]);
        let map = headers(&block, &mut Vec::new()).unwrap();
        let values: Vec<_> = map.get_all("x-a").iter().collect();
        assert_eq!((map.len(), &map["etag"]), (3, &HeaderValue::from_static("x")));
        assert_eq!(values, ["1", "2"]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(block in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut room = Vec::new();
            let _ = scan(&block, &mut room);
            let _ = headers(&block, &mut room);
        }

        #[test]
        fn fields_are_read_as_written(
            fields in prop::collection::vec(("[a-z][a-z-]{0,20}", "[ -~]{0,300}"), 0..20),
        ) {
            let mut block = Vec::new();
            fields.iter().for_each(|(name, value)| write_field(name, value.as_bytes(), &mut block));
            let map = headers(&block, &mut Vec::new()).unwrap();
            prop_assert_eq!(map.len(), fields.len());
            for (name, value) in &fields {
                prop_assert!(map.get_all(name).iter().any(|held| held.as_bytes() == value.as_bytes()));
            }
        }
    }
}
