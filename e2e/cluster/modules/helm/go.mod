module understudy.dev/cluster/helm

go 1.26.0
