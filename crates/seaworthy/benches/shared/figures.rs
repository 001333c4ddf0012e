//! Figures: medians with their spread, and ratios within a turn.

/// Shows the median, and the least and the most.
pub(crate) fn show(what: &str, unit: &str, values: &mut [f64]) {
    values.sort_by(f64::total_cmp);
    let (median, least, most) = (values[values.len() / 2], values[0], values[values.len() - 1]);
    println!("  {what:<44} {median:>10.2} {unit:<4} ({least:.2} to {most:.2})");
}

/// Shows what each of several costs, and each as a multiple of the first. Ratios are taken within a turn, before
/// anything is sorted: the machine's own speed changes between turns.
pub(crate) fn show_beside_first(names: &[&str], unit: &str, mut costs: Vec<Vec<f64>>) {
    let first = costs[0].clone();
    let mut ratios: Vec<Vec<f64>> =
        costs.iter().map(|own| own.iter().zip(&first).map(|(own, first)| own / first).collect()).collect();
    for (name, costs) in names.iter().zip(&mut costs) {
        show(name, unit, costs);
    }
    println!(" as a multiple of {}", names[0]);
    for (name, ratios) in names.iter().zip(&mut ratios).skip(1) {
        show(name, "x", ratios);
    }
}
