//! What Triton's clients ask over gRPC beside inference: the same as over REST.

use serde_json::{Value, json};
use tonic::Code;
use understudy_server::proto::{
    ModelConfigRequest, ModelConfigResponse, ModelStatisticsRequest, ModelStatisticsResponse,
    RepositoryIndexRequest, RepositoryIndexResponse,
};

use crate::{
    client::Connection,
    grpc::Client,
    harness::{INFER, MODEL, Server},
};

fn configuration(name: &str, version: &str) -> ModelConfigRequest {
    ModelConfigRequest { name: name.to_owned(), version: version.to_owned() }
}

fn statistics(name: &str) -> ModelStatisticsRequest {
    ModelStatisticsRequest { name: name.to_owned(), ..ModelStatisticsRequest::default() }
}

#[test]
fn the_configuration_has_inputs_and_outputs() {
    let server = Server::start("columns.onnx");
    let client = Client::open(server.main);
    for (name, version) in [("fraud", ""), ("fraud", "1.3.0")] {
        let answer: ModelConfigResponse = client.call("ModelConfig", &configuration(name, version)).unwrap();
        let config = answer.config.unwrap();
        // TYPE_STRING is 13.
        assert_eq!((config.input[1].name.as_str(), config.input[1].data_type), ("country", 13));
        assert_eq!((&config.input[1].dims, config.output.len()), (&vec![-1, 1], 2));
        assert_eq!(json!(config), server.get(&format!("{MODEL}/config")).json());
    }
    for (name, version) in [("other", ""), ("fraud", "1.4.0")] {
        let error = client.call::<_, ModelConfigResponse>("ModelConfig", &configuration(name, version));
        assert_eq!(error.unwrap_err().code(), Code::NotFound);
    }
}

#[test]
fn the_statistics_count_calls() {
    let server = Server::start("matrix.onnx");
    let client = Client::open(server.main);
    let body = r#"{"inputs":[{"name":"x","shape":[2,3],"datatype":"FP32","data":[1,2,3,4,5,6]}]}"#;
    let mut caller = Connection::open(server.main);
    assert_eq!(caller.post(INFER, body).status, 200);
    for name in ["", "fraud"] {
        let answer: ModelStatisticsResponse = client.call("ModelStatistics", &statistics(name)).unwrap();
        let [found] = answer.model_stats.as_slice() else { panic!("{answer:?}") };
        assert_eq!((found.execution_count, found.inference_count), (1, 2));
        let rest: Value = server.get(&format!("{MODEL}/stats")).json();
        assert_eq!(json!({"model_stats": [found]}), rest);
    }
    let error = client.call::<_, ModelStatisticsResponse>("ModelStatistics", &statistics("other"));
    assert_eq!(error.unwrap_err().code(), Code::NotFound);
}

#[test]
fn the_index_has_the_one_model_and_no_other_is_loaded() {
    let server = Server::start("matrix.onnx");
    let client = Client::open(server.main);
    let request = RepositoryIndexRequest { ready: true, ..RepositoryIndexRequest::default() };
    let answer: RepositoryIndexResponse = client.call("RepositoryIndex", &request).unwrap();
    assert_eq!(
        json!(answer.models),
        json!([{"name": "fraud", "version": "1.3.0", "state": "READY", "reason": ""}])
    );
    for method in ["RepositoryModelLoad", "RepositoryModelUnload"] {
        let error = client.call::<_, RepositoryIndexResponse>(method, &RepositoryIndexRequest::default());
        let error = error.unwrap_err();
        assert_eq!(error.code(), Code::Unimplemented);
        assert!(error.message().contains("ModelVersion"), "{error}");
    }
}
