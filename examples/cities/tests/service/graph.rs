//! What the functions of `cached.rs` have to do with each other.

const README: &str = include_str!("../../README.md");

#[test]
fn every_change_reaches_what_it_makes_invalid() {
    larder::graph().check();
}

#[test]
fn the_picture_in_the_readme_is_that_of_the_code() {
    let picture = larder::graph().to_mermaid();
    assert!(
        README.contains(&format!("```mermaid\n{picture}```\n")),
        "put this into the README:\n{picture}",
    );
}
