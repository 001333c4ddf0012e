use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn of(nanos: &[u64]) -> Packed {
    let mut histogram = Histogram::new();
    for nanos in nanos {
        histogram.record(Duration::from_nanos(*nanos));
    }
    histogram.pack()
}

fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = of(&[5_000, 7_000_000, 9_000_000_000]).bytes().to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    changed
}

/// What stands before counts, with these.
fn counting(counts: &[u8]) -> Vec<u8> {
    let mut bytes = of(&[5_000]).bytes()[..HEAD].to_vec();
    bytes[4..8].copy_from_slice(&u32::try_from(counts.len()).unwrap().to_be_bytes());
    bytes.extend(counts);
    bytes
}

#[test]
fn bytes_of_others_are_refused() {
    let long = vec![0x1c; MOST_BYTES + 1];
    for (bytes, why) in [
        (vec![1], "it is too short"),
        (long, "it is too long"),
        (with(0, &[0x1c, 0x84, 0x93, 0x04]), "it does not begin as one"),
        (with(4, &[0xff; 4]), "its length is not what it says"),
        (with(11, &[1]), "its bounds are not those of this tool"),
        (with(15, &[5]), "its bounds are not those of this tool"),
        (with(16, &[0xff; 8]), "its bounds are not those of this tool"),
        (with(24, &[0xff; 8]), "its bounds are not those of this tool"),
        (with(32, &[0; 8]), "its bounds are not those of this tool"),
        (counting(&[0x80]), "its end is missing"),
        (counting(&[]), "it counts nothing, and then it is left out"),
        (counting(&[0, 0]), "it counts nothing, and then it is left out"),
        // The most negative number there is, which has no positive one.
        (counting(&[0xff; 9]), "it counts more than there can be"),
        // A run of zeros, and a count behind the last value.
        (counting(&[0xff, 0xff, 0x7f, 2]), "its counts do not fit it"),
        // Twice as much as is counted at most.
        (counting(&[0xfe, 0xff, 0xff, 0xff, 0x1f, 0xfe, 0xff, 0xff, 0xff, 0x1f]), "it counts more than there can be"),
    ] {
        assert_eq!(Packed::checked(bytes.clone()), Err(Unpackable(why)), "{:?}", bytes.get(..60));
    }
}

#[test]
fn the_longest_time_can_be_read_back() {
    let packed = of(&[0, u64::MAX]);
    assert_eq!(Packed::checked(packed.bytes()), Ok(packed.clone()));
    let mut merged = Histogram::new();
    packed.add_to(&mut merged);
    assert_eq!(Packed::checked(merged.pack().bytes()), Ok(merged.pack()));
}

#[test]
fn nothing_is_the_empty_text() {
    assert_eq!(serde_json::to_string(&Packed::default()).unwrap(), "\"\"");
    assert_eq!(serde_json::from_str::<Packed>("\"\"").unwrap(), Packed::default());
    let error = serde_json::from_str::<Packed>("\"???\"").unwrap_err().to_string();
    assert!(error.starts_with("a histogram that is not base64: "), "{error}");
}

proptest! {
    #[test]
    fn what_is_read_in_place_is_what_is_unpacked(values in proptest::collection::vec(0..200_000_000_000_000_u64, 0..50)) {
        let packed = of(&values);
        let (mut sum, mut whole) = (Histogram::new(), Histogram::new());
        packed.add_to(&mut sum);
        if let Some(one) = Histogram::unpacked(packed.bytes()) {
            whole.merge(&one);
        }
        prop_assert_eq!(packed.count(), values.len() as u64);
        prop_assert_eq!((sum.max(), sum.min(), sum.mean()), (whole.max(), whole.min(), whole.mean()));
        prop_assert_eq!(sum, whole);
    }

    #[test]
    fn documents_keep_them(values in proptest::collection::vec(0..200_000_000_000_000_u64, 0..50)) {
        let packed = of(&values);
        let text = serde_json::to_string(&packed).unwrap();
        prop_assert_eq!(serde_json::from_str::<Packed>(&text).unwrap(), packed);
    }

    #[test]
    fn whatever_is_let_in_can_be_added(
        mut bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..80).prop_map(|counts| counting(&counts)),
            proptest::collection::vec(0..100_000_000_u64, 1..20).prop_map(|values| of(&values).bytes().to_vec()),
        ],
        at: prop::sample::Index,
        by in any::<Option<u8>>(),
    ) {
        if let Some(by) = by {
            let at = at.index(bytes.len());
            bytes[at] = bytes[at].wrapping_add(by);
        }
        if let Ok(packed) = Packed::checked(bytes) {
            let mut sum = Histogram::new();
            packed.add_to(&mut sum);
            packed.add_to(&mut sum);
            prop_assert!(sum.count() >= 2);
            let _quantile = (sum.quantile(0.99), sum.mean(), sum.count_above(Duration::from_millis(1)));
        }
    }
}
