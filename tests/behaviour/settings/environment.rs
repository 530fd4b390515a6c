//! The environment itself, in a process of its own: one cannot be changed while tests run.

use std::process::Command;

use larder::Cache;

/// Is set in the process in which the test is run again.
const AGAIN: &str = "LARDER_TEST_AGAIN";

fn again(test: &str, variables: &[(&str, &str)]) {
    let program = std::env::current_exe().expect("the test has a program");
    let mut command = Command::new(program);
    command.args(["--exact", &format!("settings::environment::{test}")]);
    for foreign in ["CACHE_TYPE", "REDIS_URL", "REDIS_HOST", "MEMCACHE_SERVERS"] {
        command.env_remove(foreign);
    }
    command.env(AGAIN, "1").envs(variables.iter().copied());
    let output = command.output().expect("the test can be run again");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

fn is_again() -> bool {
    std::env::var_os(AGAIN).is_some()
}

#[test]
fn a_cache_is_made_of_the_environment() {
    if is_again() {
        assert_eq!(Cache::from_env().unwrap().namespace(), "around");
    } else {
        let variables = [("CACHE_NAMESPACE", "around"), ("CACHE_TYPE", "memory")];
        again("a_cache_is_made_of_the_environment", &variables);
    }
}

#[test]
fn what_is_wrong_in_the_environment_is_said() {
    if is_again() {
        let error = Cache::from_env().unwrap_err().to_string();
        assert!(error.contains("`CACHE_TTL` is `soon`"), "{error}");
    } else {
        again(
            "what_is_wrong_in_the_environment_is_said",
            &[("CACHE_TTL", "soon")],
        );
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_named() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    if is_again() {
        let error = Cache::from_env().unwrap_err().to_string();
        assert!(error.contains("`REDIS_HOST` is not text"), "{error}");
    } else {
        let program = std::env::current_exe().expect("the test has a program");
        let output = Command::new(program)
            .args([
                "--exact",
                "settings::environment::a_variable_that_is_no_text_is_named",
            ])
            .env_remove("CACHE_TYPE")
            .env_remove("REDIS_URL")
            .env_remove("MEMCACHE_SERVERS")
            .env(AGAIN, "1")
            .env("REDIS_HOST", OsStr::from_bytes(b"\xff"))
            .output()
            .expect("the test can be run again");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }
}
