//! The property `rules` of `tests/hostile/properties`, on whatever libFuzzer makes.
#![no_main]

#[path = "../../tests/hostile/properties/mod.rs"]
#[expect(dead_code, reason = "each target checks one of the properties")]
mod properties;

libfuzzer_sys::fuzz_target!(|data: &[u8]| properties::rules::check(data));
