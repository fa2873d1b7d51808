use crate::table;

/// Every target of a run and whether it was met.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Vec<String>>,
    met: usize,
    targets: usize,
}

impl Report {
    /// A figure that must not be above its limit.
    pub fn at_most(&mut self, what: &str, figure: f64, limit: f64, unit: &str) {
        let met = figure <= limit;
        self.targets += 1;
        self.met += usize::from(met);
        self.rows.push(vec![
            what.to_owned(),
            format!("{} {unit}", number(figure)).trim_end().to_owned(),
            format!("<= {} {unit}", number(limit)).trim_end().to_owned(),
            if met { "met" } else { "MISSED" }.to_owned(),
        ]);
    }

    /// A figure without a target.
    pub fn figure(&mut self, what: &str, figure: &str) {
        self.rows.push(vec![
            what.to_owned(),
            figure.to_owned(),
            String::new(),
            String::new(),
        ]);
    }

    /// Something that could not be measured here, and why.
    pub fn skipped(&mut self, what: &str, why: &str) {
        self.rows.push(vec![
            what.to_owned(),
            why.to_owned(),
            String::new(),
            "not measured".to_owned(),
        ]);
    }

    /// Prints them all.
    pub fn print(&self) {
        println!("\nSummary: {} of {} targets met", self.met, self.targets);
        table::print(&["what", "figure", "target", ""], &self.rows);
    }
}

fn number(figure: f64) -> String {
    match figure {
        figure if figure.fract().abs() < 1e-9 => format!("{figure:.0}"),
        figure if figure.abs() < 10.0 => format!("{figure:.2}"),
        figure => format!("{figure:.1}"),
    }
}
