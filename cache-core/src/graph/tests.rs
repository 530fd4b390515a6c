//! Graphs that are right, and graphs that are wrong.

use std::panic;

use super::{Graph, Node};
use crate::site::Site;

/// A site that lives as long as a program's.
fn site(path: &'static str, key: &'static str) -> &'static Site {
    Box::leak(Box::new(Site::new(path, key)))
}

fn cached(path: &'static str, key: &'static str) -> Node {
    Node::cached(site(path, key), "src/reads.rs", 1)
}

/// With a `ttl` of its own, so that nothing has to invalidate it.
fn stated(path: &'static str, key: &'static str) -> Node {
    let site = Box::leak(Box::new(Site::new(path, key).ttl(60_000)));
    Node::cached(site, "src/reads.rs", 2)
}

fn write() -> Node {
    Node::write("app::write", "src/writes.rs", 7)
}

fn problems(nodes: &[Node]) -> Vec<String> {
    Graph::of(nodes).problems()
}

/// The one problem of a graph in which `wrong` reaches nothing, after what it does.
fn hint(wrong: Node) -> String {
    let all = problems(&[
        stated("app::get_user", "users:<id>").tags(&["team:<team>"]),
        stated("app::posts", "users:<id>:posts:<page>"),
        stated("app::count", "app::count"),
        stated("app::angle", "a<<b:<q:hash>:x"),
        stated("app::other", "others:<id>").named("other"),
        wrong,
    ]);
    let [problem] = &all[..] else {
        panic!("one problem: {all:#?}");
    };
    problem.clone()
}

#[test]
fn every_way_to_reach_a_function_is_right() {
    for right in [
        write().prefixes(&["users", "users:<user.id>"]),
        write().keys(&["users:<id>"]),
        write().tags(&["team:<user.team>"]),
        write().put("users:<ret.id>"),
        write().of(&["get_user"]),
        write().of(&["crate::users::get_user"]),
        write().of(&["super::users::get_user"]),
        write().all(),
    ] {
        let reads = cached("app::users::get_user", "users:<id>").tags(&["team:<team>"]);
        assert_eq!(problems(&[reads, right]), [""; 0]);
    }
}

#[test]
fn a_call_is_one_of_its_own_function_in_its_own_cache() {
    let reads = || cached("app::users::get", "users:<id>").by("self.cache");
    for (right, write) in [
        (true, write().of(&["users::get"])),
        (true, write().of(&["get"]).by("cache")),
        (false, write().of(&["get"]).named("other")),
        (false, write().of(&["teams::get"])),
        (false, write().of(&["get_user"])),
    ] {
        let graph = Graph::of(&[reads(), write]);
        let [write] = graph.writes() else {
            panic!("one write");
        };
        let reached = graph.reached(write, write.targets[0]).count();
        assert_eq!(reached == 1, right, "{write:?}");
    }
}

#[test]
fn a_default_key_is_reached_by_its_path() {
    for (prefix, reached) in [
        ("app.users.get", true),
        ("app.users.get:Repo", true),
        ("app.users", false),
        ("app.users.get:Repo:x:y", false),
    ] {
        let nodes = [
            stated("app::users::get", "app::users::get"),
            write().prefixes(Box::leak(Box::new([prefix]))),
        ];
        assert_eq!(problems(&nodes).is_empty(), reached, "{prefix}");
    }
}

#[test]
fn what_reaches_nothing_is_reported_where_it_stands() {
    assert_eq!(
        hint(write().keys(&["orders:<id>"])),
        "src/writes.rs:7: `keys = \"orders:<id>\"` of `app::write` invalidates what no cached \
         function keeps",
    );
    assert_eq!(
        hint(write().put("orders:<ret.id>")),
        "src/writes.rs:7: `key = \"orders:<ret.id>\"` of `app::write` stores what no cached \
         function reads",
    );
}

#[test]
fn what_was_meant_is_suggested() {
    for (wrong, meant) in [
        (write().prefixes(&["user"]), "`users`"),
        (write().prefixes(&["users2"]), "`users`"),
        (write().prefixes(&["users:<id>:post"]), "`users:<id>:posts`"),
        (write().prefixes(&["team:<id>"]), "`tags = \"team:<id>\"`"),
        (write().keys(&["users"]), "`prefix = \"users\"`"),
        (write().keys(&["usrs:<id>"]), "`users:<id>`"),
        (write().prefixes(&["a<<c"]), "`a<<b`"),
        (write().keys(&["team:<id>"]), "`tags = \"team:<id>\"`"),
        (write().tags(&["users:<id>"]), "`prefix = \"users:<id>\"`"),
        (write().tags(&["tam:<team>"]), "`team:<team>`"),
        (write().put("user:<id>"), "`users:<id>`"),
        (write().prefixes(&["app.coun"]), "`app.count`"),
        (write().prefixes(&["count"]), "`app.count`"),
    ] {
        let problem = hint(wrong);
        assert!(
            problem.ends_with(&format!(": did you mean {meant}?")),
            "{problem}"
        );
    }
}

#[test]
fn another_cache_is_not_reached() {
    let told = |problem: String, reads: &str, writes: &str| {
        let end =
            format!("keeps it in {reads}, and this looks in {writes}: give both the same `cache`");
        assert!(problem.ends_with(&end), "{problem}");
    };
    told(
        hint(write().prefixes(&["others"])),
        "`cache = \"other\"`",
        "the default cache",
    );
    told(
        hint(write().keys(&["users:<id>"]).by("self.cache")),
        "the default cache",
        "`cache = self.cache`",
    );
    let all = hint(write().all().named("third"));
    assert!(all.contains("`all` of `app::write`"), "{all}");
    // Whether two expressions give one cache is not known before the program runs.
    let nodes = [
        cached("app::get", "a:<id>").by("self.cache"),
        write().prefixes(&["a"]).by("state.users.cache"),
    ];
    assert_eq!(problems(&nodes), [""; 0]);
}

#[test]
fn what_nothing_invalidates_states_its_ttl() {
    let elsewhere = || write().prefixes(&["b"]);
    let lonely = problems(&[
        cached("app::get", "a:<id>"),
        cached("app::list", "app::list"),
        stated("app::b", "b:<id>"),
        elsewhere(),
    ]);
    assert_eq!(
        lonely,
        [
            "src/reads.rs:1: nothing invalidates `app::get`, and it states no `ttl`: name its key \
             `a:<id>` where the values change, or say how long they may be old, such as \
             `ttl = \"5m\"`",
            "src/reads.rs:1: nothing invalidates `app::list`, and it states no `ttl`: name its \
             prefix `app.list` where the values change, or say how long they may be old, such as \
             `ttl = \"5m\"`",
        ]
    );
    assert_eq!(problems(&[stated("app::get", "a:<id>")]), [""; 0]);
    let computed = cached("app::get", "a:<id>").computes_ttl();
    assert_eq!(problems(&[computed]), [""; 0]);
    let other = problems(&[
        cached("app::get", "a:<id>").named("x"),
        write().prefixes(&["a"]),
    ]);
    assert_eq!(other.len(), 2, "in another cache: {other:#?}");
}

#[test]
fn a_check_fails_with_every_problem() {
    let nodes = [stated("app::get", "a:<id>"), write().prefixes(&["b", "c"])];
    let failed = panic::catch_unwind(|| Graph::of(&nodes).check()).expect_err("two problems");
    let report = failed.downcast_ref::<String>().expect("a text");
    assert!(
        report.starts_with("the cache's graph has 2 problems:"),
        "{report}"
    );
    assert!(
        report.contains("`prefix = \"b\"`") && report.contains("`prefix = \"c\"`"),
        "{report}"
    );
    let empty = panic::catch_unwind(|| Graph::of(&[]).check()).expect_err("nothing linked");
    let report = *empty.downcast_ref::<&str>().expect("a text");
    assert!(report.contains("`use my_crate as _;`"), "{report}");
    Graph::of(&[stated("app::get", "a:<id>")]).check();
}

fn whole() -> [Node; 4] {
    [
        write()
            .prefixes(&["users", "usrs"])
            .tags(&["team:<id>"])
            .by("self.cache"),
        cached("app::list", "app::list").by("self.cache"),
        stated("app::get", "users:<id>")
            .tags(&["team:<team>"])
            .by("cache"),
        Node::write("app::put", "src/writes.rs", 3)
            .put("users:<ret.id>")
            .by("cache"),
    ]
}

#[test]
fn the_picture_is_the_same_in_any_order_of_linking() {
    let picture = Graph::of(&whole()).to_mermaid();
    assert_eq!(
        picture,
        r#"flowchart LR
    f0["app::get<br/>users:#lt;id#gt;<br/>tag team:#lt;team#gt;<br/>ttl 60s"]
    f1["app::list<br/>all arguments"]
    w0(["app::put"])
    w0 ==>|"stores users:#lt;ret.id#gt;"| f0
    w1(["app::write"])
    w1 -->|"prefix users"| f0
    w1 -.->|"prefix usrs"| nothing
    w1 -->|"tag team:#lt;id#gt;"| f0
"#
    );
    let mut nodes = whole();
    nodes.reverse();
    assert_eq!(Graph::of(&nodes).to_mermaid(), picture);
}

#[test]
fn nothing_in_a_picture_is_taken_for_its_grammar() {
    let node = stated("app::get", "a#\"`&|<<:<id>");
    let picture = Graph::of(&[node]).to_mermaid();
    let label = picture.split("<br/>").nth(1).expect("the key");
    assert_eq!(label, "a#35;#quot;#96;#amp;|#lt;#lt;:#lt;id#gt;");
}

#[test]
fn the_list_says_where_everything_is_and_what_it_reaches() {
    assert_eq!(
        Graph::of(&whole()).to_string(),
        "\
app::get (src/reads.rs:2)
    reads `users:<id>`, tag `team:<team>`, ttl 60s, `cache = cache`
app::list (src/reads.rs:1)
    reads `app.list:…`, `cache = self.cache`
app::put (src/writes.rs:3)
    key = \"users:<ret.id>\" → app::get, `cache = cache`
app::write (src/writes.rs:7)
    prefix = \"users\" → app::get, `cache = self.cache`
    prefix = \"usrs\" → nothing, `cache = self.cache`
    tags = \"team:<id>\" → app::get, `cache = self.cache`
"
    );
}
