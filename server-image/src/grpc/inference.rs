//! The methods of the inference service.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use prost::Message as _;
use tonic::{Status, body::Body};

use super::{framing, status};
use crate::{
    error::Refusal,
    exchange::{Api, Message, named, served},
    http::{
        calls::{Answer, Calls, Listener},
        describe,
        request_body::RequestBody,
        service::{LOADING, READ_ONLY, Service},
    },
    proto::{
        ModelConfigRequest, ModelConfigResponse, ModelMetadataRequest, ModelMetadataResponse,
        ModelReadyRequest, ModelReadyResponse, ModelStatisticsRequest, ModelStatisticsResponse,
        RepositoryIndexRequest, RepositoryIndexResponse, ServerLiveResponse, ServerMetadataResponse,
        ServerReadyResponse, model_metadata_response::TensorMetadata,
    },
    signature::Port,
};

/// Runs `method`.
pub async fn run(
    service: &Service,
    listener: Listener,
    method: &str,
    request: Request<RequestBody>,
) -> Response<Body> {
    let mut headers = HeaderMap::new();
    let message = match method {
        "ModelInfer" => infer(service, listener, request, &mut headers).await,
        other => describe(service, other, request).await,
    };
    let message = message.and_then(|message| {
        service.unsent().hold(framing::framed(&message)).map_err(|refusal| status::of(&refusal))
    });
    framing::response(message, headers)
}

async fn infer(
    service: &Service,
    listener: Listener,
    request: Request<RequestBody>,
    headers: &mut HeaderMap,
) -> Result<Vec<u8>, Status> {
    let calls = loaded(service)?;
    let arrival = calls.arrive(listener, request.headers());
    let (given, body) = request.into_parts();
    let (body, reservation) = read(service, body).await?;
    let (body, coding) = framing::message(body, &given.headers)?;
    let message = Message {
        api: Api::Grpc,
        body,
        coding,
        timeout: status::timeout(&given.headers),
        ..Message::probe()
    };
    let answer: Answer = calls.answer(arrival, message, reservation).await;
    *headers = answer.headers;
    answer.response.map(|encoded| encoded.body).map_err(|refusal| status::of(&refusal))
}

/// The methods that describe server and model.
async fn describe(service: &Service, method: &str, request: Request<RequestBody>) -> Result<Vec<u8>, Status> {
    let (given, body) = request.into_parts();
    let (body, _reservation) = read(service, body).await?;
    let (body, coding) = framing::message(body, &given.headers)?;
    if coding.is_some() {
        return Err(Status::unimplemented("only ModelInfer takes compressed messages"));
    }
    let (model, version) = service.served();
    let check = |name: &str, asked: &str| {
        served((model, version), (named(name), named(asked))).map_err(|refusal| status::of(&refusal))
    };
    match method {
        "ServerLive" => Ok(ServerLiveResponse { live: true }.encode_to_vec()),
        "ServerReady" => Ok(ServerReadyResponse { ready: service.is_ready() }.encode_to_vec()),
        "ServerMetadata" => {
            let (name, version) = (describe::NAME.to_owned(), describe::VERSION.to_owned());
            let extensions = describe::EXTENSIONS.map(str::to_owned).to_vec();
            Ok(ServerMetadataResponse { name, version, extensions }.encode_to_vec())
        }
        "ModelReady" => {
            let ModelReadyRequest { name, version } = decoded(body)?;
            check(&name, &version)?;
            Ok(ModelReadyResponse { ready: service.is_ready() }.encode_to_vec())
        }
        "ModelMetadata" => {
            let request: ModelMetadataRequest = decoded(body)?;
            check(&request.name, &request.version)?;
            let signature = &loaded(service)?.engine().model().signature;
            let response = ModelMetadataResponse {
                name: model.to_owned(),
                versions: vec![version.to_owned()],
                platform: describe::PLATFORM.to_owned(),
                inputs: signature.inputs.iter().map(tensor).collect(),
                outputs: signature.outputs.iter().map(tensor).collect(),
            };
            Ok(response.encode_to_vec())
        }
        "ModelConfig" => {
            let request: ModelConfigRequest = decoded(body)?;
            check(&request.name, &request.version)?;
            let config = describe::config(model, &loaded(service)?.engine().model().signature);
            Ok(ModelConfigResponse { config: Some(config) }.encode_to_vec())
        }
        "ModelStatistics" => {
            let request: ModelStatisticsRequest = decoded(body)?;
            check(&request.name, &request.version)?;
            Ok(ModelStatisticsResponse { model_stats: vec![service.statistics()] }.encode_to_vec())
        }
        "RepositoryIndex" => {
            let request: RepositoryIndexRequest = decoded(body)?;
            Ok(RepositoryIndexResponse { models: service.index(request.ready) }.encode_to_vec())
        }
        "RepositoryModelLoad" | "RepositoryModelUnload" => Err(Status::unimplemented(READ_ONLY)),
        other => Err(Status::unimplemented(format!("unknown method {other}"))),
    }
}

fn tensor(port: &Port) -> TensorMetadata {
    TensorMetadata { name: port.name.clone(), datatype: port.datatype.to_string(), shape: port.shape.clone() }
}

fn loaded(service: &Service) -> Result<&Calls, Status> {
    service.calls().ok_or_else(|| status::of(&LOADING))
}

async fn read(
    service: &Service,
    body: RequestBody,
) -> Result<(Bytes, Option<tokio::sync::OwnedSemaphorePermit>), Status> {
    service.bodies().read_counted(body).await.map_err(|refusal: Refusal| status::of(&refusal))
}

fn decoded<M: prost::Message + Default>(body: Bytes) -> Result<M, Status> {
    M::decode(body).map_err(|error| Status::invalid_argument(format!("invalid message: {error}")))
}
