//! Metrics of one model version. Each series has the constant labels `model` and `version`.

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntGauge, Opts, Registry, core::Collector,
};

/// Creates and registers metrics.
#[derive(Debug, Clone)]
pub struct Family {
    registry: Registry,
    model: String,
    version: String,
}

/// Why a metric can be created and registered.
pub(super) const VALID: &str = "names and labels are constant and valid, and each metric is registered once";

impl Family {
    /// The family of one version of one model.
    #[must_use]
    pub fn new(model: &str, version: &str) -> Self {
        Self { registry: Registry::new(), model: model.to_owned(), version: version.to_owned() }
    }

    /// The registry of the metrics.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Options with a name, a help text and the two labels.
    #[must_use]
    pub fn opts(&self, name: &str, help: &str) -> Opts {
        Opts::new(name, help).const_label("model", &self.model).const_label("version", &self.version)
    }

    /// Registers a metric.
    pub fn register<M: Collector + Clone + 'static>(&self, metric: prometheus::Result<M>) -> M {
        let metric = metric.expect(VALID);
        self.registry.register(Box::new(metric.clone())).expect(VALID);
        metric
    }

    /// A counter.
    #[must_use]
    pub fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.register(IntCounter::with_opts(self.opts(name, help)))
    }

    /// One series of a counter, with one more constant label.
    #[must_use]
    pub fn counter_with(&self, name: &str, help: &str, (label, value): (&str, &str)) -> IntCounter {
        self.register(IntCounter::with_opts(self.opts(name, help).const_label(label, value)))
    }

    /// A gauge.
    #[must_use]
    pub fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.register(IntGauge::with_opts(self.opts(name, help)))
    }

    /// A gauge of any number.
    #[must_use]
    pub fn float_gauge(&self, name: &str, help: &str) -> Gauge {
        self.register(Gauge::with_opts(self.opts(name, help)))
    }

    /// Gauges that differ by `labels`. The number of label values must be bounded.
    #[must_use]
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.register(GaugeVec::new(self.opts(name, help), labels))
    }

    /// A histogram.
    #[must_use]
    pub fn histogram(&self, opts: HistogramOpts) -> Histogram {
        let opts = opts.const_label("model", &self.model).const_label("version", &self.version);
        self.register(Histogram::with_opts(opts))
    }
}
