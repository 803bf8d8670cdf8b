//! Every parser of proofs, fed with what nobody would write: it refuses promptly, opens no address, and accepts nothing
//! that was not signed.
//!
//! A part of `cargo test`, for a moment. Longer, by hand or in CI:
//!
//! ```sh
//! MARQUE_FUZZ_SECONDS=600 cargo test -p marque-clouds --test fuzz
//! MARQUE_FUZZ_SEED=… MARQUE_FUZZ_SECONDS=60 cargo test -p marque-clouds --test fuzz    # as another run went
//! ```
//!
//! What is found is written into `tests/fuzz/cases`, as `<parser>-<digest>`; every case there is tried at each run, and
//! those that were written by hand, `<parser>-<word>`, with them.

#[cfg(test)]
mod changes;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod parsers;

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::PathBuf;
    use std::time::{Duration, Instant, SystemTime};

    use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
    use sha2::{Digest, Sha256};

    use crate::changes::inputs;
    use crate::parsers::{PARSERS, Parser};

    /// How long a run is unless it is told otherwise.
    const MOMENT: Duration = Duration::from_secs(3);
    /// Inputs of one parser before the next one has its turn.
    const ROUND: u32 = 32;
    /// The slowest machine of CI refuses anything within this.
    const PROMPT: Duration = Duration::from_secs(2);

    #[expect(clippy::disallowed_methods, reason = "a run is told how long it takes, and from where it starts")]
    fn setting(name: &str) -> Option<u64> {
        std::env::var(name).ok()?.parse().ok()
    }

    #[expect(clippy::disallowed_methods, reason = "a test measures how long a parser takes")]
    fn now() -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "a run that is not repeated starts anywhere, and says where")]
    fn anywhere() -> u64 {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
    }

    fn cases() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/cases")
    }

    /// Feeds a parser; what is wrong with its answer, if anything is.
    fn feed(parser: &Parser, input: &[u8]) -> Result<(), String> {
        let begun = now();
        let fault = catch_unwind(AssertUnwindSafe(|| (parser.feed)(input))).unwrap_or_else(|_| Err("it panics".into()));
        let taken = now() - begun;
        if taken > PROMPT {
            return Err(format!("it takes {taken:?}"));
        }
        fault
    }

    #[test]
    fn what_was_found_before_is_not_found_again() {
        let mut tried = 0;
        for entry in std::fs::read_dir(cases()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let parser = name.rsplit_once('-').and_then(|(name, _)| PARSERS.iter().find(|parser| parser.name == name));
            let parser = parser.unwrap_or_else(|| panic!("{name} is no case of a parser"));
            feed(parser, &std::fs::read(&path).unwrap()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
            tried += 1;
        }
        println!("{tried} cases");
        assert!(tried > 0, "the folder of cases is empty");
    }

    /// Else nothing that is changed would be worth anything.
    #[test]
    fn what_is_not_changed_is_accepted() {
        for parser in PARSERS {
            for seed in (parser.seeds)() {
                assert!((parser.accepts)(&seed), "{}", parser.name);
            }
        }
    }

    #[test]
    fn nothing_is_found() {
        let length = setting("MARQUE_FUZZ_SECONDS").map_or(MOMENT, Duration::from_secs);
        let seed = setting("MARQUE_FUZZ_SEED").unwrap_or_else(anywhere);
        println!("MARQUE_FUZZ_SEED={seed} MARQUE_FUZZ_SECONDS={}", length.as_secs());
        let begun = now();
        let mut tried = 0_u64;
        let mut found = Vec::new();
        for round in 0.. {
            if now() - begun >= length || !found.is_empty() {
                break;
            }
            for parser in PARSERS {
                tried += u64::from(ROUND);
                found.extend(one_round(parser, seed, round).err());
            }
        }
        println!("{tried} inputs into {} parsers", PARSERS.len());
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    fn one_round(parser: &Parser, seed: u64, round: u64) -> Result<(), String> {
        let start = Sha256::digest(format!("{seed}/{round}/{}", parser.name));
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &start);
        let config = Config { cases: ROUND, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let outcome = runner.run(&inputs((parser.seeds)()), |input| feed(parser, &input).map_err(TestCaseError::fail));
        match outcome {
            Ok(()) => Ok(()),
            Err(TestError::Fail(fault, input)) => {
                let digest: String = Sha256::digest(&input).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
                let case = cases().join(format!("{}-{digest}", parser.name));
                std::fs::write(&case, &input).unwrap();
                Err(format!("{}: {fault}: kept as {}", parser.name, case.display()))
            }
            Err(TestError::Abort(reason)) => Err(format!("{}: {reason}", parser.name)),
        }
    }
}
