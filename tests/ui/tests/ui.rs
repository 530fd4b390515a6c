//! Every rule of the attributes has a case that breaks it, and every form that they accept has one
//! that must compile under `#![deny(warnings)]`.
//!
//! The messages are those of the stable compiler that CI pins; `TRYBUILD=overwrite` writes them.

#[test]
fn every_rule_has_its_message() {
    trybuild::TestCases::new().compile_fail("fail/*/*.rs");
}

#[test]
fn every_accepted_form_compiles_without_a_warning() {
    trybuild::TestCases::new().pass("pass/*.rs");
}
