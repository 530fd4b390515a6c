//! A test that names its crate finds all that is in it.

use graph as _;

fn names(paths: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    paths
        .map(|path| path.trim_start_matches("graph::"))
        .collect()
}

#[test]
fn every_function_of_a_linked_crate_is_found_though_nothing_calls_it() {
    let graph = larder::graph();
    let functions = graph.functions();
    assert_eq!(
        names(functions.iter().map(|it| it.path)),
        [
            "generic",
            "get_user",
            "inner",
            "post",
            "private",
            "read",
            "rows::blocking",
            "rows::called",
            "rows::stored",
        ]
    );
    assert_eq!(
        names(graph.writes().iter().map(|it| it.path)),
        ["change", "forget", "store", "store", "write"]
    );
    let user = &functions[1];
    let here = (user.file, user.line, user.key, user.tags);
    assert_eq!(
        here,
        (
            "tests/graph/src/lib.rs",
            9,
            Some("users:<id>"),
            &["team:<team>"][..]
        )
    );
    assert_eq!(functions[4].key, None);
    assert!(functions[4].states_ttl && !user.states_ttl);
}

#[test]
fn a_write_reaches_what_it_stores_and_the_calls_that_it_names() {
    let graph = larder::graph();
    let stores = graph.writes().iter().filter(|it| it.path == "graph::store");
    let reached = stores.flat_map(|write| {
        let targets = write.targets.iter().copied();
        targets.flat_map(|target| graph.reached(write, target).map(|it| it.path))
    });
    let mut reached: Vec<_> = names(reached);
    reached.sort_unstable();
    assert_eq!(reached, ["rows::blocking", "rows::called", "rows::stored"]);
}

#[test]
fn its_graph_is_in_order() {
    larder::graph().check();
}
