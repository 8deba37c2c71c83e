module understudy.dev/cluster/containerd

go 1.26.0
