module understudy.dev/cluster/coredns

go 1.26.0
