//! A model with three features, and calls to it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use understudy_server::{
    call::{Answered, Call, Identity, Shadow},
    columns::Columns,
    signature::{Port, Signature},
    tensor::{Data, Datatype, Tensor},
};

/// 2026-11-21T09:30:45Z.
pub const MORNING: Duration = Duration::from_secs(1_795_253_445);
/// 2026-11-22T00:00:00Z.
pub const MIDNIGHT: Duration = Duration::from_hours(498_696);

pub fn port(name: &str, datatype: Datatype, shape: &[i64]) -> Port {
    Port::new(name, datatype, shape)
}

pub fn signature() -> Signature {
    Signature {
        inputs: vec![port("x", Datatype::Fp32, &[-1, 3])],
        outputs: vec![port("label", Datatype::Int64, &[-1]), port("score", Datatype::Fp32, &[-1, 2])],
    }
}

pub fn columns() -> Columns {
    Columns::of(&signature(), Some(&["age", "amount", "hour"].map(str::to_owned)))
}

pub fn main() -> Arc<Identity> {
    Arc::new(Identity { version: "1.3.0".into(), digest: format!("sha256:{}", "a".repeat(64)) })
}

pub fn challenger() -> Arc<Identity> {
    Arc::new(Identity { version: "1.4.0-rc.1".into(), digest: format!("sha256:{}", "b".repeat(64)) })
}

pub fn answered(label: i64, score: f32, micros: u64) -> Answered {
    Answered {
        status: 200,
        error: None,
        outputs: vec![
            Tensor { shape: vec![1], data: Data::Int64(vec![label]) },
            Tensor { shape: vec![1, 2], data: Data::Fp32(vec![1.0 - score, score]) },
        ],
        latency: Some(Duration::from_micros(micros)),
    }
}

/// The call with this number, at a time since 1970.
pub fn call_at(number: u64, at: Duration) -> Call {
    let value = f32::from(u16::try_from(number % 50_000).unwrap());
    Call {
        id: format!("call-{number}"),
        at: SystemTime::UNIX_EPOCH + at,
        traceparent: None,
        record: true,
        main: answered(1, 0.75, 137),
        inputs: vec![Tensor { shape: vec![1, 3], data: Data::Fp32(vec![value, value / 2.0, 9.5]) }],
        rows: 1,
        challenger: Shadow::None,
    }
}

/// The call with this number, one millisecond after the previous one.
pub fn call(number: u64) -> Call {
    call_at(number, MORNING + Duration::from_millis(number))
}
