//! A test that does not name its crate does not have it, which it is told.

#[test]
#[should_panic(expected = "name the crate that has them, as in `use my_crate as _;`")]
fn an_empty_graph_is_not_in_order() {
    larder::graph().check();
}
