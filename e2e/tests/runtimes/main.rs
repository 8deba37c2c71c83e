//! Models that ONNX cannot hold, in the images of real servers: the whole life of each on the real cluster. `make test-runtimes`
//! builds the images, which needs Java, Maven and 600 MB of the cache.

mod jvm;
mod mlserver;
