//! The classification extension: instead of all scores, the best of each row with its position and class.

use crate::{
    error::Refusal,
    signature::Port,
    tensor::{Data, Tensor},
};

/// The best `count` values of each row of an output, the largest first, as strings `value:position`, or
/// `value:position:class` where the model names its classes. A row is what belongs to one position of the first dimension;
/// an output of one dimension is one row.
///
/// Refuses strings and booleans, which have no largest value.
pub fn best(port: &Port, Tensor { shape, data }: &Tensor, count: usize) -> Result<Tensor, Refusal> {
    let scores = scores(data).ok_or_else(|| {
        Refusal::bad(format!("output `{}` is {}: classification needs numbers", port.name, port.datatype))
    })?;
    let rows = match shape.as_slice() {
        [rows, _, ..] => usize::try_from(*rows).unwrap_or_default(),
        _ => 1,
    };
    let width = scores.len().checked_div(rows).unwrap_or_default();
    let count = count.min(width);
    let names = port.classes.as_ref().map(|classes| classes.names.as_slice());
    let mut texts = Vec::with_capacity(rows * count);
    for row in scores.chunks_exact(width.max(1)) {
        let mut order: Vec<usize> = (0..row.len()).collect();
        // Stable: of equal scores the first one comes first. A NaN is never a best one.
        order.sort_by(|a, b| key(row[*b]).total_cmp(&key(row[*a])));
        texts.extend(order.into_iter().take(count).map(|position| text(row[position], position, names)));
    }
    let signed = |extent: usize| i64::try_from(extent).unwrap_or(i64::MAX);
    let shape = if shape.len() > 1 { vec![signed(rows), signed(count)] } else { vec![signed(count)] };
    Ok(Tensor { shape, data: Data::Bytes(texts) })
}

fn key(score: f64) -> f64 {
    if score.is_nan() { f64::NEG_INFINITY } else { score }
}

/// Six digits after the point, like Triton.
fn text(score: f64, position: usize, names: Option<&[String]>) -> String {
    match names.and_then(|names| names.get(position)) {
        Some(name) => format!("{score:.6}:{position}:{name}"),
        None => format!("{score:.6}:{position}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a score is compared and shown with six digits")]
fn scores(data: &Data) -> Option<Vec<f64>> {
    Some(match data {
        Data::Bool(_) | Data::Bytes(_) => return None,
        Data::Fp16(scores) => scores.iter().map(|score| score.to_f64()).collect(),
        Data::Bf16(scores) => scores.iter().map(|score| score.to_f64()).collect(),
        Data::Fp64(scores) => scores.clone(),
        Data::Int64(scores) => scores.iter().map(|score| *score as f64).collect(),
        Data::Uint64(scores) => scores.iter().map(|score| *score as f64).collect(),
        Data::Fp32(scores) => scores.iter().map(|score| f64::from(*score)).collect(),
        Data::Int8(scores) => scores.iter().map(|score| f64::from(*score)).collect(),
        Data::Int16(scores) => scores.iter().map(|score| f64::from(*score)).collect(),
        Data::Int32(scores) => scores.iter().map(|score| f64::from(*score)).collect(),
        Data::Uint8(scores) => scores.iter().map(|score| f64::from(*score)).collect(),
        Data::Uint16(scores) => scores.iter().map(|score| f64::from(*score)).collect(),
        Data::Uint32(scores) => scores.iter().map(|score| f64::from(*score)).collect(),
    })
}
