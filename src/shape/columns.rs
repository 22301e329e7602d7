//! Columns for terminals: padded by what is seen, coloured after, nothing behind the last.

use unicode_width::UnicodeWidthStr;

use super::style::Style;

/// Between two columns.
const GAP: &str = "  ";

/// One cell: text and its ANSI colour (empty: none).
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    color: &'static str,
}

impl Cell {
    /// A cell.
    pub fn new(text: impl Into<String>, color: &'static str) -> Cell {
        Cell { text: text.into(), color }
    }

    /// Its text, where it is no part of a table.
    pub fn alone(&self, style: Style) -> String {
        style.paint(self.color, &self.text)
    }
}

/// Where a column's text stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows of `N` cells.
#[derive(Clone, Debug)]
pub struct Table<const N: usize> {
    align: [Align; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Table<N> {
    /// An empty table.
    pub fn new(align: [Align; N]) -> Table<N> {
        Table { align, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [Cell; N]) {
        self.rows.push(cells);
    }

    /// Lines without trailing blanks; columns that are empty throughout take no room.
    pub fn render(&self, style: Style) -> String {
        let widths: [usize; N] = std::array::from_fn(|column| {
            let width = |row: &[Cell; N]| row[column].text.width();
            let body = self.rows.iter().skip(1).map(width).max().unwrap_or(0);
            if body == 0 { 0 } else { self.rows.iter().map(width).max().unwrap_or(0) }
        });
        let lines = self.rows.iter().map(|row| self.line(row, &widths, style));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The same where the last column is cut to what the others leave of the style's width.
    pub fn fit(mut self, style: Style) -> String {
        let others: usize = (0..N - 1)
            .map(|column| self.rows.iter().map(|row| row[column].text.width()).max().unwrap_or(0))
            .filter(|width| *width > 0)
            .map(|width| width + GAP.len())
            .sum();
        let room = style.width.saturating_sub(others);
        if room >= LEAST {
            self.rows.iter_mut().for_each(|row| cut(&mut row[N - 1].text, room));
        }
        self.render(style)
    }

    fn line(&self, row: &[Cell; N], widths: &[usize; N], style: Style) -> String {
        let mut line = String::new();
        let mut owed = 0;
        for ((cell, width), align) in row.iter().zip(widths).zip(&self.align) {
            if *width == 0 {
                continue;
            }
            let room = width.saturating_sub(cell.text.width());
            let (before, after) = if *align == Align::Right { (room, 0) } else { (0, room) };
            if !cell.text.is_empty() {
                line.push_str(&" ".repeat(owed + before));
                line.push_str(&style.paint(cell.color, &cell.text));
                owed = after;
            } else {
                owed += before + after;
            }
            owed += GAP.len();
        }
        line
    }
}

/// A column that is cut keeps so much at least; where there is less room, the terminal breaks the line.
const LEAST: usize = 12;

/// Shortens a text that is wider, with a mark at its end.
fn cut(text: &mut String, most: usize) {
    if text.width() <= most {
        return;
    }
    while text.width() > most - 1 {
        text.pop();
    }
    text.push('…');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_empty_ones_vanish() {
        let mut table = Table::new([Align::Left, Align::Right, Align::Left]);
        for (a, b, c) in [("NAME", "N", "X"), ("fünf", "5", ""), ("a", "10", "")] {
            table.row([Cell::new(a, ""), Cell::new(b, ""), Cell::new(c, "")]);
        }
        assert_eq!(table.render(Style::PLAIN), "NAME   N\nfünf   5\na     10");
    }

    #[test]
    fn the_last_column_is_cut_to_what_is_left() {
        let mut table = Table::new([Align::Left, Align::Left]);
        for (a, b) in
            [("NAME", "WHY"), ("fünf", "it was too wide for it"), ("a", "日本語日本語日本語")]
        {
            table.row([Cell::new(a, ""), Cell::new(b, "")]);
        }
        let narrow = Style { width: 20, ..Style::PLAIN };
        assert_eq!(
            table.clone().fit(narrow),
            "NAME  WHY\nfünf  it was too wi…\na     日本語日本語…"
        );
        assert_eq!(
            table.clone().fit(Style { width: 9, ..Style::PLAIN }),
            table.render(Style::PLAIN)
        );
        assert_eq!(table.clone().fit(Style::PLAIN), table.render(Style::PLAIN));
    }
}
