//! `cargo xtask fuzz advisory`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| firstlight_fuzz::advisory(bytes));
