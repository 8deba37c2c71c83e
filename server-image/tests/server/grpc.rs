//! gRPC on the same ports as REST. That tensors get the same answers and errors as over REST is in `rules`.

use std::net::SocketAddr;

use serde_json::json;
use tonic::{
    Code, Status,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;
use understudy_server::proto::{
    InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse, ModelMetadataRequest,
    ModelMetadataResponse, ModelReadyRequest, ModelReadyResponse, ServerMetadataRequest,
    ServerMetadataResponse, ServerReadyRequest, ServerReadyResponse, infer_parameter::ParameterChoice,
    model_infer_request::InferInputTensor,
};

use crate::{
    client::Connection,
    harness::{INFER, Launch, Server, digest_of},
    limits::slow,
    mirror,
};

/// A client with one connection.
pub struct Client {
    runtime: tokio::runtime::Runtime,
    channel: Channel,
}

impl Client {
    pub fn open(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = {
            let _entered = runtime.enter();
            endpoint.connect_lazy()
        };
        Self { runtime, channel }
    }

    pub fn call<Q, A>(&self, method: &str, message: &Q) -> Result<A, Status>
    where
        Q: prost::Message + Clone + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        self.request(&format!("/inference.GRPCInferenceService/{method}"), message)
    }

    pub fn request<Q, A>(&self, path: &str, message: &Q) -> Result<A, Status>
    where
        Q: prost::Message + Clone + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let path: PathAndQuery = path.parse().unwrap();
        self.runtime.block_on(async {
            loop {
                let mut client = Grpc::new(self.channel.clone());
                client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
                let request = tonic::Request::new(message.clone());
                match client.unary(request, path.clone(), ProstCodec::default()).await {
                    // The library does not repeat a call that it could not send since the connection was closing. Those
                    // of other languages do.
                    Err(status) if status.code() == Code::Cancelled => {}
                    answer => return Ok(answer?.into_inner()),
                }
            }
        })
    }

    #[expect(clippy::needless_pass_by_value, reason = "requests are made where they are sent")]
    pub fn infer(&self, request: ModelInferRequest) -> Result<ModelInferResponse, Status> {
        self.call("ModelInfer", &request)
    }
}

fn input(datatype: &str, shape: &[i64], contents: Option<InferTensorContents>) -> InferInputTensor {
    InferInputTensor {
        name: "x".to_owned(),
        datatype: datatype.to_owned(),
        shape: shape.to_vec(),
        contents,
        ..InferInputTensor::default()
    }
}

fn typed(datatype: &str, shape: &[i64], contents: InferTensorContents) -> ModelInferRequest {
    ModelInferRequest { inputs: vec![input(datatype, shape, Some(contents))], ..ModelInferRequest::default() }
}

fn raw(datatype: &str, shape: &[i64], blob: &[u8]) -> ModelInferRequest {
    ModelInferRequest {
        inputs: vec![input(datatype, shape, None)],
        raw_input_contents: vec![blob.to_vec().into()],
        ..ModelInferRequest::default()
    }
}

fn fp32(elements: &[f32]) -> InferTensorContents {
    InferTensorContents { fp32_contents: elements.to_vec(), ..InferTensorContents::default() }
}

#[test]
fn elements_in_two_forms_or_in_another_field_are_refused() {
    let server = Server::start("matrix.onnx");
    let client = Client::open(server.main);
    let mut both = raw("FP32", &[1, 3], &[0; 12]);
    both.inputs[0].contents = Some(fp32(&[1.0]));
    let mut more = raw("FP32", &[1, 3], &[0; 12]);
    more.raw_input_contents.push(vec![0; 12].into());
    let other = InferTensorContents { fp64_contents: vec![0.0; 3], ..Default::default() };
    for (request, message) in [
        (both, "use one of them"),
        (more, "raw_input_contents has 2 tensors, but there are 1 inputs"),
        (typed("FP32", &[1, 3], other), "belong in `fp32_contents`"),
    ] {
        let error = client.infer(request).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert!(error.message().contains(message), "{error}");
    }
}

#[test]
fn the_id_and_the_identity_of_the_model_are_in_the_response() {
    let server = Server::start("matrix.onnx");
    let client = Client::open(server.main);
    let request = |model: &str, version: &str| ModelInferRequest {
        id: "order-7".to_owned(),
        model_name: model.to_owned(),
        model_version: version.to_owned(),
        ..typed("FP32", &[1, 3], fp32(&[1.0, 2.0, 3.0]))
    };
    for (model, version) in [("", ""), ("fraud", ""), ("fraud", "1.3.0")] {
        let answer = client.infer(request(model, version)).unwrap();
        let ModelInferResponse { model_name, model_version, id, .. } = answer;
        assert_eq!([model_name, model_version, id], ["fraud", "1.3.0", "order-7"]);
    }
    for (model, version) in [("other", ""), ("fraud", "1.4.0")] {
        assert_eq!(client.infer(request(model, version)).unwrap_err().code(), Code::NotFound);
    }
}

#[test]
fn server_and_model_describe_themselves() {
    let server = Server::start("matrix.onnx");
    let client = Client::open(server.main);
    let ServerMetadataResponse { name, extensions, .. } =
        client.call("ServerMetadata", &ServerMetadataRequest {}).unwrap();
    assert_eq!(name, "understudy");
    assert!(extensions.contains(&"classification".to_owned()));
    let ready: ServerReadyResponse = client.call("ServerReady", &ServerReadyRequest {}).unwrap();
    assert!(ready.ready);
    let request = ModelReadyRequest { name: "fraud".to_owned(), ..Default::default() };
    assert!(client.call::<_, ModelReadyResponse>("ModelReady", &request).unwrap().ready);
    let request = ModelMetadataRequest { name: "fraud".to_owned(), ..Default::default() };
    let metadata: ModelMetadataResponse = client.call("ModelMetadata", &request).unwrap();
    assert_eq!((metadata.platform.as_str(), metadata.versions), ("onnx_onnxv1", vec!["1.3.0".to_owned()]));
    assert_eq!((metadata.inputs[0].name.as_str(), metadata.inputs[0].datatype.as_str()), ("x", "FP32"));
    assert_eq!(metadata.inputs[0].shape, [-1, 3]);
    let other = ModelReadyRequest { name: "other".to_owned(), ..Default::default() };
    assert_eq!(
        client.call::<_, ModelReadyResponse>("ModelReady", &other).unwrap_err().code(),
        Code::NotFound
    );
    let unknown = client.call::<_, ModelReadyResponse>("Unknown", &ServerReadyRequest {}).unwrap_err();
    assert_eq!(unknown.code(), Code::Unimplemented);
}

#[test]
fn the_timeout_of_a_call_is_kept_in_the_queue() {
    let server = Launch::of("slow.onnx").arguments(&["--sessions", "1"]).ready();
    let mut busy = Connection::open(server.main);
    busy.send("POST", INFER, &[], slow(5_000_000).as_bytes());
    // The message itself has no deadline of the client's library, which would end the call on the client's side.
    let timeout = InferParameter { parameter_choice: Some(ParameterChoice::Int64Param(1)) };
    let rounds = InferTensorContents { int64_contents: vec![1], ..Default::default() };
    let mut request = typed("INT64", &[1], rounds);
    request.inputs[0].name = "rounds".to_owned();
    request.parameters.insert("timeout".to_owned(), timeout);
    let error = Client::open(server.main).infer(request).unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
    drop(busy);
}

#[test]
fn a_message_beyond_the_limit_is_refused_and_others_are_served() {
    let server = Launch::of("matrix.onnx").arguments(&["--max-body", "4096"]).ready();
    let client = Client::open(server.main);
    let error = client.infer(raw("FP32", &[1000, 3], &[0; 12_000])).unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    assert!(client.infer(raw("FP32", &[1, 3], &[0; 12])).is_ok());
}

#[test]
fn many_calls_share_a_connection() {
    let server = Server::start("matrix.onnx");
    let client = Client::open(server.main);
    let calls = (0..200_u16).map(|number| {
        let mut grpc = Grpc::new(client.channel.clone());
        let request = typed("FP32", &[1, 3], fp32(&[f32::from(number), 0.0, 0.0]));
        let request = ModelInferRequest { id: number.to_string(), ..request };
        async move {
            grpc.ready().await.unwrap();
            let path = PathAndQuery::from_static("/inference.GRPCInferenceService/ModelInfer");
            let answer = grpc.unary(tonic::Request::new(request), path, ProstCodec::default()).await.unwrap();
            let answer: ModelInferResponse = answer.into_inner();
            assert_eq!(answer.id, number.to_string());
        }
    });
    client.runtime.block_on(futures::future::join_all(calls));
    assert_eq!(server.metric("nv_inference_request_success"), 200);
}

#[test]
fn losing_the_role_moves_a_client_to_another_connection_and_no_call_fails() {
    let mut server = Server::start("matrix.onnx");
    server.main_is("1.3.0");
    let client = Client::open(server.main);
    let call = || client.infer(typed("FP32", &[1, 3], fp32(&[1.0, 2.0, 3.0])));
    assert!(call().is_ok());
    let before = opened(&server);
    server.main_is("1.4.0");
    // GOAWAY reaches the client when it next looks at its connection.
    while opened(&server) == before {
        call().expect("no call fails while the connection changes");
    }
}

/// Clients that have connected to the main port, by the ports of their addresses.
fn opened(server: &Server) -> Vec<String> {
    let suffix = format!(":{:04X}", server.main.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let established = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        // 01 is ESTABLISHED. The address of the server is the remote one on the client's side.
        (fields.get(2)?.ends_with(&suffix) && fields.get(3) == Some(&"01")).then(|| fields[1].to_owned())
    };
    table.lines().filter_map(established).collect()
}

#[test]
fn health_and_reflection_are_there_and_health_follows_readiness() {
    use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
    let mut server = Server::start("matrix.onnx");
    let client = Client::open(server.main);
    let check = || {
        let request = HealthCheckRequest::default();
        client.request::<_, HealthCheckResponse>("/grpc.health.v1.Health/Check", &request)
    };
    assert_eq!(check().unwrap().status, 1, "SERVING");
    server.signal("-TERM");
    server.logs("draining");
    assert_eq!(check().unwrap().status, 2, "NOT_SERVING");
}

#[test]
fn a_grpc_call_over_http1_is_told_what_it_needs() {
    let server = Server::start("matrix.onnx");
    let mut caller = Connection::open(server.main);
    let message = caller.post("/inference.GRPCInferenceService/ModelInfer", "").error(400);
    assert!(message.contains("HTTP/2"), "{message}");
}

#[test]
fn calls_are_unavailable_until_the_model_is_loaded() {
    // A store that accepts and never responds keeps the server in loading.
    let store = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let launch = Launch::artifact("s3://models/model.onnx", &"0".repeat(64));
    let endpoint = format!("http://{}", store.local_addr().unwrap());
    std::fs::write(launch.path("secret/AWS_ENDPOINT_URL"), endpoint).unwrap();
    let server = launch.listening();
    let client = Client::open(server.main);
    let error = client.infer(typed("FP32", &[1, 3], fp32(&[1.0, 2.0, 3.0]))).unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    let ready: ServerReadyResponse = client.call("ServerReady", &ServerReadyRequest {}).unwrap();
    assert!(!ready.ready);
}

#[test]
fn calls_over_grpc_are_copied_to_the_challenger_and_compared() {
    let challenger = mirror::challenger();
    let main = mirror::main_with(challenger.challenger, &digest_of("matrix.onnx"), &json!({}));
    let client = Client::open(main.main);
    assert!(client.infer(typed("FP32", &[1, 3], fp32(&[1.0, 2.0, 3.0]))).is_ok());
    assert!(client.infer(raw("FP32", &[1, 3], &[0; 12])).is_ok());
    let named = ModelInferRequest { model_version: "1.3.0".to_owned(), ..raw("FP32", &[1, 3], &[0; 12]) };
    assert!(client.infer(named).is_ok());
    assert_eq!(mirror::settled(&main, 3), (3, 0));
    mirror::compared(&main, 3);
}
