module understudy.dev/cluster/versitygw

go 1.26.0
