//! Reads a page of metrics in the text format of Prometheus. Pure.

/// One sample of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    /// Name of the metric.
    pub name: &'a str,
    /// Its labels.
    pub labels: Vec<(&'a str, &'a str)>,
    /// Its value.
    pub value: f64,
}

impl Sample<'_> {
    /// The value of a label; empty if the sample does not have it.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| *value)
    }
}

/// The samples of a metric. Lines that are not samples are ignored.
pub fn samples<'a>(page: &'a str, metric: &'a str) -> impl Iterator<Item = Sample<'a>> {
    page.lines().filter_map(parse).filter(move |sample| sample.name == metric)
}

fn parse(line: &str) -> Option<Sample<'_>> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (series, value) = match line.split_once('}') {
        Some((series, value)) => (series, value),
        None => line.split_once(' ')?,
    };
    let value = value.split_whitespace().next()?.parse().ok()?;
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let labels = labels.split("\",").filter_map(|pair| {
        let (key, value) = pair.split_once("=\"")?;
        Some((key.trim(), value.trim_end_matches('"')))
    });
    Some(Sample { name, labels: labels.collect(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_have_their_labels_and_values() {
        let page = "# HELP a b\na 1\nunderstudy_cache_synced{kind=\"Pod\",x=\"y\"} 0\nunderstudy_cache_synced{kind=\"Service\"} 1.5e1 17\n";
        let found: Vec<_> =
            samples(page, "understudy_cache_synced").map(|s| (s.label("kind").to_owned(), s.value)).collect();
        assert_eq!(found, [("Pod".to_owned(), 0.0), ("Service".to_owned(), 15.0)]);
        assert_eq!(samples(page, "a").count(), 1);
    }
}
