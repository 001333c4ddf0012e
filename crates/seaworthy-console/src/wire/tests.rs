use super::*;

#[test]
fn numbers_are_short_and_known() {
    for (value, expected) in [
        (0.1 + 0.2, Some(0.3)),
        (1234.5678, Some(1234.57)),
        (f64::NAN, None),
        (f64::INFINITY, None),
        (f64::MAX, None),
        (-0.0, Some(0.0)),
    ] {
        assert_eq!(rounded(value), expected, "{value}");
    }
}

#[test]
fn columns_have_a_place_for_each_second_even_where_nothing_was_told() {
    let some = |arrivals_per_s| Signals { arrivals_per_s, ..Signals::default() };
    let mut columns = Columns::at(2);
    columns.put(2, Some(&some(1.0)));
    columns.put(5, Some(&some(2.0)));
    assert_eq!(columns.from, 2);
    assert_eq!(columns.arrivals_per_s, [Some(1.0), None, None, Some(2.0)]);
    for other in [&columns.failures_per_s, &columns.p50_ms, &columns.p99_ms, &columns.max_ms, &columns.saturation] {
        assert_eq!(other.len(), 4, "all columns are of one length");
    }
}

#[test]
fn an_event_is_one_line_of_data() {
    let event = event("run", 7, "tick", "{\"text\":\"a\\nb\"}");
    assert_eq!(event, "id: run:7\nevent: tick\ndata: {\"text\":\"a\\nb\"}\n\n");
}
