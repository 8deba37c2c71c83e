module understudy.dev/cluster/prometheus-operator

go 1.26.0

// Only the CRDs in its folder example/prometheus-operator-crd are used.
require github.com/prometheus-operator/prometheus-operator v0.85.0
