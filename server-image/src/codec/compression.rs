//! gzip and deflate, in both directions. A decompressed body keeps the size limit of an uncompressed one.

use std::io::{Read, Write};

use flate2::{
    Compression,
    read::{MultiGzDecoder, ZlibDecoder},
    write::{GzEncoder, ZlibEncoder},
};

use crate::error::Refusal;

/// Bodies below this size fit one network packet anyway, so compression would only cost time.
const WORTH_IT: usize = 1400;

/// A content coding that this server reads and writes. `deflate` is the zlib format, as HTTP defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `gzip`
    Gzip,
    /// `deflate`
    Deflate,
}

impl Coding {
    /// The name of the coding in headers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// The coding of a request body. `None` if the body is not compressed. An unknown coding is an error.
    pub fn of_body(content_encoding: &str) -> Result<Option<Self>, Refusal> {
        match content_encoding.trim() {
            "" | "identity" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip)),
            "deflate" => Ok(Some(Self::Deflate)),
            other => Err(Refusal::bad(format!("unknown Content-Encoding `{other}`; use gzip or deflate"))),
        }
    }

    /// The first supported coding in `Accept-Encoding` whose weight is not 0.
    #[must_use]
    pub fn accepted(accept_encoding: &str) -> Option<Self> {
        accept_encoding.split(',').find_map(|entry| {
            let (name, weight) = entry.split_once(';').unwrap_or((entry, ""));
            let weight = weight.trim().trim_start_matches("q=").parse().unwrap_or(1.0_f32);
            let coding = match name.trim() {
                "gzip" => Self::Gzip,
                "deflate" => Self::Deflate,
                _ => return None,
            };
            (weight > 0.0).then_some(coding)
        })
    }

    /// The decompressed body. A body larger than `limit` bytes is an error.
    pub fn decompress(self, body: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
        let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut plain = Vec::new();
        let read = match self {
            Self::Gzip => MultiGzDecoder::new(body).take(bound).read_to_end(&mut plain),
            Self::Deflate => ZlibDecoder::new(body).take(bound).read_to_end(&mut plain),
        };
        read.map_err(|error| {
            Refusal::bad(format!("failed to decompress the body as {}: {error}", self.name()))
        })?;
        if plain.len() > limit { Err(Refusal::TooLarge(limit)) } else { Ok(plain) }
    }

    /// The compressed body. `None` for a body below 1,400 bytes, which is sent as it is.
    #[must_use]
    pub fn compress(self, body: &[u8]) -> Option<Vec<u8>> {
        const WRITTEN: &str = "writing to memory does not fail";
        if body.len() < WORTH_IT {
            return None;
        }
        let out = Vec::with_capacity(body.len() / 2);
        Some(match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(out, Compression::fast());
                encoder.write_all(body).expect(WRITTEN);
                encoder.finish().expect(WRITTEN)
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(out, Compression::fast());
                encoder.write_all(body).expect(WRITTEN);
                encoder.finish().expect(WRITTEN)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_same_after_compression_and_decompression() {
        let body = b"0.123456,".repeat(1000);
        for coding in [Coding::Gzip, Coding::Deflate] {
            let small = coding.compress(&body).unwrap();
            assert!(small.len() < body.len() / 10);
            assert_eq!(coding.decompress(&small, body.len()), Ok(body.clone()));
            assert_eq!(coding.decompress(&small, body.len() - 1), Err(Refusal::TooLarge(body.len() - 1)));
        }
    }

    #[test]
    fn decompression_of_a_bomb_stops_at_the_limit() {
        let bomb = Coding::Gzip.compress(&vec![0; 50 << 20]).unwrap();
        assert!(bomb.len() < 300_000);
        assert_eq!(Coding::Gzip.decompress(&bomb, 1 << 20), Err(Refusal::TooLarge(1 << 20)));
    }

    #[test]
    fn the_client_chooses_the_coding() {
        assert_eq!(Coding::accepted("gzip, deflate, br"), Some(Coding::Gzip));
        assert_eq!(Coding::accepted("br, deflate;q=0.5"), Some(Coding::Deflate));
        assert_eq!(Coding::accepted("gzip;q=0, deflate"), Some(Coding::Deflate));
        assert_eq!(Coding::accepted("identity"), None);
        assert_eq!(Coding::of_body("gzip"), Ok(Some(Coding::Gzip)));
        assert_eq!(Coding::of_body("identity"), Ok(None));
        assert!(Coding::of_body("br").is_err());
    }
}
