//! The two text formats of metrics: which one a client asks for, and the conversion from OpenMetrics to Prometheus'
//! own; knows no metric.

use std::collections::HashMap;

use actix_web::http::header::{ACCEPT, HeaderMap};

pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
pub const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a client accepts OpenMetrics by name and does not prefer plain text.
pub fn accepts_open_metrics(headers: &HeaderMap) -> bool {
    let (mut open_metrics, mut plain) = (0.0, 0.0);
    for part in headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
        let mut parts = part.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let quality: f32 = quality.map_or(1.0, |quality| quality.parse().unwrap_or(0.0));
        match media.as_str() {
            "application/openmetrics-text" => open_metrics = quality.max(open_metrics),
            "text/plain" | "text/*" => plain = quality.max(plain),
            _ => {}
        }
    }
    open_metrics > 0.0 && open_metrics >= plain
}

/// Converts the output of prometheus-client, which is OpenMetrics without timestamps and exemplars, to Prometheus' text
/// format 0.0.4: the descriptions of a counter and an info use the names of their samples, an info is a gauge, and
/// there are no `# UNIT` and `# EOF` lines.
pub fn plain(open_metrics: &str) -> String {
    let types = open_metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let types: HashMap<&str, &str> = types.collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let description = ["# HELP ", "# TYPE "].into_iter().find_map(|word| Some((word, line.strip_prefix(word)?)));
        if let Some((word, rest)) = description {
            let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            let kind = types.get(name).copied().unwrap_or_default();
            let suffix = match kind {
                "counter" => "_total",
                "info" => "_info",
                _ => "",
            };
            let rest = match (word, kind) {
                ("# TYPE ", "info" | "stateset") => "gauge",
                ("# TYPE ", "unknown") => "untyped",
                _ => rest,
            };
            text.extend([word, name, suffix, " ", rest, "\n"]);
        } else if !line.starts_with('#') {
            text.extend([line, "\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{ACCEPT, HeaderMap, HeaderValue};
    use insta::assert_snapshot;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::family::Family;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::metrics::histogram::Histogram;
    use prometheus_client::metrics::info::Info;
    use prometheus_client::registry::{Registry, Unit};

    use super::{accepts_open_metrics, plain};

    #[test]
    fn plain_format_names_families_like_their_samples() {
        let mut registry = Registry::with_prefix("x");
        let asked: Family<Vec<(String, String)>, Counter> = Family::default();
        asked.get_or_create(&vec![("path".to_owned(), "# EOF \"a\"\nb".to_owned())]).inc();
        registry.register("asked", "Asked, by path", asked);
        registry.register("held", "Held", Gauge::<i64>::default());
        registry.register("build", "The version", Info::new([("version", "1.2.3")]));
        let took = Histogram::new([0.5]);
        took.observe(0.25);
        registry.register_with_unit("took", "Took", Unit::Seconds, took);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert_snapshot!(plain(&text), @r##"
        # HELP x_asked_total Asked, by path.
        # TYPE x_asked_total counter
        x_asked_total{path="# EOF \"a\"\nb"} 1
        # HELP x_held Held.
        # TYPE x_held gauge
        x_held 0
        # HELP x_build_info The version.
        # TYPE x_build_info gauge
        x_build_info{version="1.2.3"} 1
        # HELP x_took_seconds Took.
        # TYPE x_took_seconds histogram
        x_took_seconds_sum 0.25
        x_took_seconds_count 1
        x_took_seconds_bucket{le="0.5"} 1
        x_took_seconds_bucket{le="+Inf"} 1
        "##);
    }

    #[test]
    fn open_metrics_is_negotiated_by_the_accept_header() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;\
                          q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, expected) in [
            (prometheus, true),
            ("application/openmetrics-text", true),
            ("Application/OpenMetrics-Text; version=1.0.0, text/plain", true),
            ("text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.5", false),
            ("application/openmetrics-text;q=0", false),
            ("application/openmetrics-text;q=much", false),
            ("*/*", false),
            ("text/html, application/*", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(accepts_open_metrics(&headers), expected, "{accept}");
        }
        assert!(!accepts_open_metrics(&HeaderMap::new()));
    }
}
