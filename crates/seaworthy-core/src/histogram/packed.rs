//! Histograms in the fewest bytes, and what is asked of bytes that come from a file.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{DIGITS, HIGHEST, Histogram, LOWEST};

/// The encoding's first four bytes: HdrHistogram's V2, not compressed.
const COOKIE: u32 = 0x1c84_9313;

/// Bytes before the counts: what it is, their length, an offset, digits, lowest, highest, and a ratio.
const HEAD: usize = 40;

/// Bytes that none exceeds: a count for each value that is told apart, of nine bytes at most.
const MOST_BYTES: usize = HEAD + 9 * 60_000;

/// More than this is not counted in one: sums of many have to fit, too.
const MOST_COUNTED: u64 = u32::MAX as u64;

/// A histogram in the fewest bytes: HdrHistogram's V2 encoding. In documents it is base64 of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed(Box<[u8]>);

/// Why bytes are no histogram of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpackable(&'static str);

impl fmt::Display for Unpackable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a histogram: {}", self.0)
    }
}

impl std::error::Error for Unpackable {}

impl Packed {
    /// Of bytes that were just packed.
    pub(super) fn trusted(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// Of bytes from elsewhere, as [`bytes`](Self::bytes) gave them.
    ///
    /// Whatever can be unpacked later is unpacked here once, so that only what can be is let in.
    pub fn checked(bytes: impl Into<Box<[u8]>>) -> Result<Self, Unpackable> {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let counts = counts_of(&bytes)?;
        each_is_possible(counts)?;
        let one = Histogram::unpacked(&bytes).ok_or(Unpackable("its counts do not fit it"))?;
        match one.count() {
            0 => Err(Unpackable("it counts nothing, and then it is left out")),
            count if count > MOST_COUNTED => Err(Unpackable("it counts more than there can be")),
            _ => Ok(Self(bytes)),
        }
    }

    /// The bytes; none where nothing is in it.
    pub const fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that it takes.
    pub const fn size(&self) -> usize {
        self.0.len()
    }

    /// Adds what is in it to a histogram. A whole one for each of a trial's millions would cost more than all that is
    /// done with them.
    pub fn add_to(&self, sum: &mut Histogram) {
        self.each(|nanos, count| sum.add(nanos, count));
    }

    /// How many times are in it.
    pub fn count(&self) -> u64 {
        let mut all = 0;
        self.each(|_, count| all += count);
        all
    }

    /// Each time that is in it, in nanoseconds, with its count, the shortest first.
    pub fn each(&self, mut take: impl FnMut(u64, u64)) {
        // Only `pack` and `checked` make one, so there is none that cannot be read.
        let mut index = 0_u64;
        let (mut number, mut shift) = (0_u64, 0_u32);
        for byte in self.0.get(HEAD..).unwrap_or_default() {
            // Seven bits a byte, the lowest first; a ninth has all of its bits.
            let last = *byte < 0x80 || shift == 56;
            let bits = if shift == 56 { u64::from(*byte) } else { u64::from(*byte & 0x7f) };
            number |= bits << shift;
            shift += 7;
            if !last {
                continue;
            }
            // The lowest bit is the sign: a number below zero skips as many.
            if number & 1 == 1 {
                index = index.saturating_add((number >> 1).saturating_add(1));
            } else {
                if number > 0 {
                    take(value(index), number >> 1);
                }
                index += 1;
            }
            (number, shift) = (0, 0);
        }
    }
}

/// Counts in each doubling, and the times that one of the first stands for, as powers of two.
const HALF: u64 = 10;
const UNIT: u64 = 9;

/// The longest time that a place stands for, in nanoseconds.
const fn value(index: u64) -> u64 {
    let half = 1_u64 << HALF;
    let (doubling, within) = if index < 2 * half { (0, index) } else { (index / half - 1, index % half + half) };
    // Beyond a day nothing is told apart.
    let shift = if doubling > 40 { 40 } else { doubling } + UNIT;
    ((within + 1) << shift) - 1
}

/// The bytes of the counts, where what stands before them is what `pack` writes. A reader that believed other bounds
/// would take as much memory as somebody wrote into a file.
fn counts_of(bytes: &[u8]) -> Result<&[u8], Unpackable> {
    if bytes.len() > MOST_BYTES {
        return Err(Unpackable("it is too long"));
    }
    let (head, counts) = bytes.split_at_checked(HEAD).ok_or(Unpackable("it is too short"))?;
    let number = |from: usize, length: usize| {
        head.iter().skip(from).take(length).fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    if number(0, 4) != u64::from(COOKIE) {
        return Err(Unpackable("it does not begin as one"));
    }
    if usize::try_from(number(4, 4)) != Ok(counts.len()) {
        return Err(Unpackable("its length is not what it says"));
    }
    let highest = number(24, 8);
    let as_ours = number(8, 4) == 0
        && number(12, 4) == u64::from(DIGITS)
        && number(16, 8) == LOWEST
        && (2 * LOWEST..=2 * HIGHEST).contains(&highest)
        && number(32, 8) == 1.0_f64.to_bits();
    if as_ours { Ok(counts) } else { Err(Unpackable("its bounds are not those of this tool")) }
}

/// Whether no count, and no run of zeros, is so large that arithmetic on it could overflow.
fn each_is_possible(counts: &[u8]) -> Result<(), Unpackable> {
    // A number is 7 bits a byte, the lowest first, and goes on while the eighth is set; a ninth byte has all of its bits.
    let (mut number, mut shift) = (0_u64, 0_u32);
    for byte in counts {
        let last = *byte < 0x80 || shift == 56;
        let bits = if shift == 56 { u64::from(*byte) } else { u64::from(*byte & 0x7f) };
        number |= bits << shift;
        shift += 7;
        if last {
            // The lowest bit is the sign.
            if number >> 1 > MOST_COUNTED {
                return Err(Unpackable("it counts more than there can be"));
            }
            (number, shift) = (0, 0);
        }
    }
    if shift == 0 { Ok(()) } else { Err(Unpackable("its end is missing")) }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        let bytes = STANDARD.decode(text.as_bytes()).map_err(|error| {
            de::Error::custom(format_args!("a histogram that is not base64: {}", error.to_string().to_lowercase()))
        })?;
        Self::checked(bytes).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
