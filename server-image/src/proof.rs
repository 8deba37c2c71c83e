//! What is known about whether the model answers: what the pod found before it was ready, and whether it has answered a call
//! since.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use understudy_contract::probe::Proof;

use crate::{output::Output, tensor::Tensor};

/// What is known about whether the model answers.
#[derive(Debug)]
pub struct KnownProof {
    first: Proof,
    has_answered: AtomicBool,
}

impl KnownProof {
    /// What the pod found before it was ready.
    #[must_use]
    pub fn new(first: Proof) -> Self {
        Self { first, has_answered: AtomicBool::new(false) }
    }

    /// Whether the model failed on every input that the pod had. The probe's inference fails, too, and says nothing.
    #[must_use]
    pub fn was_missing(&self) -> bool {
        matches!(self.first, Proof::Missing { .. })
    }

    /// Learns from a call that the model answered. A call without elements shows nothing.
    pub fn learn(&self, inputs: &[Tensor], outputs: &[Output]) {
        // Nothing is written for a model that has a proof, and once for another one: threads do not take the line from each
        // other.
        if !self.was_missing() || self.has_answered.load(Relaxed) {
            return;
        }
        let has_inputs = inputs.iter().any(|input| !input.data.is_empty());
        if has_inputs && outputs.iter().any(|output| output.count() > 0) {
            self.has_answered.store(true, Relaxed);
        }
    }

    /// What is known now.
    #[must_use]
    pub fn now(&self) -> Proof {
        if self.has_answered.load(Relaxed) { Proof::Call } else { self.first.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Data;

    fn tensor(elements: &[f32]) -> Tensor {
        Tensor { shape: vec![i64::try_from(elements.len()).unwrap()], data: Data::Fp32(elements.to_vec()) }
    }

    fn missing() -> KnownProof {
        KnownProof::new(Proof::Missing { error: "Gather".to_owned() })
    }

    #[test]
    fn a_call_is_a_proof_for_a_model_that_had_none() {
        let proof = missing();
        proof.learn(&[tensor(&[1.0])], &[tensor(&[2.0]).into()]);
        assert_eq!(proof.now(), Proof::Call);
        assert!(proof.was_missing(), "the probe's inference still fails");
    }

    #[test]
    fn a_call_without_elements_proves_nothing() {
        let proof = missing();
        proof.learn(&[tensor(&[])], &[tensor(&[2.0]).into()]);
        proof.learn(&[tensor(&[1.0])], &[tensor(&[]).into()]);
        assert_eq!(proof.now(), Proof::Missing { error: "Gather".to_owned() });
    }

    #[test]
    fn examples_stay_the_proof_after_a_call() {
        let proof = KnownProof::new(Proof::Examples { count: 7 });
        proof.learn(&[tensor(&[1.0])], &[tensor(&[2.0]).into()]);
        assert_eq!(proof.now(), Proof::Examples { count: 7 });
    }
}
