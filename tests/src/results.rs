//! What the center exported for a sitting, as whoever opens the tables reads it.

use anyhow::Context;
use std::collections::HashMap;

/// One of the exported tables: its rows by column.
pub struct Table(Vec<HashMap<String, String>>);

impl Table {
    pub fn read(csv: &str) -> anyhow::Result<Table> {
        let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
        let rows = reader.deserialize().collect::<Result<_, _>>()?;
        Ok(Table(rows))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One cell of the row of a person.
    pub fn cell(&self, name: &str, column: &str) -> anyhow::Result<&str> {
        let row = self
            .0
            .iter()
            .find(|row| row.get("姓名").is_some_and(|of| of == name));
        let row = row.with_context(|| format!("{name} is not in the results"))?;
        let cell = row
            .get(column)
            .with_context(|| format!("no column {column}"))?;
        Ok(cell)
    }

    /// A person's state, total and verdict.
    pub fn came_to(&self, name: &str) -> anyhow::Result<[&str; 3]> {
        Ok([
            self.cell(name, "状态")?,
            self.cell(name, "总分")?,
            self.verdict(name)?,
        ])
    }

    fn verdict(&self, name: &str) -> anyhow::Result<&str> {
        self.cell(name, "是否合格")
    }

    /// Codes of the anomalies, each as often as it stands there.
    pub fn codes(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter_map(|row| row.get("代码"))
            .map(String::as_str)
            .collect()
    }

    /// The details of every anomaly with this code.
    pub fn details(&self, code: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|row| row.get("代码").is_some_and(|of| of == code))
            .filter_map(|row| row.get("详情"))
            .map(String::as_str)
            .collect()
    }

    /// The rows that somebody has to look into. Every row has to say how bad it is.
    pub fn severe(&self) -> anyhow::Result<Vec<String>> {
        let mut severe = Vec::new();
        for row in &self.0 {
            match row.get("程度").context("no column 程度")?.as_str() {
                "提示 note" => {}
                _ => severe.push(format!("{row:?}")),
            }
        }
        Ok(severe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severe_row_is_seen() {
        let csv = "\u{feff}姓名,程度,代码\n王建国,提示 note,results.outage\n李秀兰,须核查 severe,results.wrong_paper\n";
        let table = Table::read(csv).unwrap();
        assert_eq!(table.codes(), ["results.outage", "results.wrong_paper"]);
        let severe = table.severe().unwrap();
        assert!(
            severe.len() == 1 && severe[0].contains("李秀兰"),
            "{severe:?}"
        );
        assert!(table.cell("孙桂英", "程度").is_err());
    }
}
