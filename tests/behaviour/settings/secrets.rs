//! No text that larder makes shows a secret: errors, `Debug` and the log.

use larder::CacheBuilder;

use super::settings;
use crate::log::Warnings;

const SECRET: &str = "hunter2";

#[test]
fn nothing_that_is_said_of_settings_shows_a_secret() {
    let warnings = Warnings::heard();
    let passwords: [&[(&str, &str)]; 12] = [
        &[("REDIS_URL", "redis://:hunter2@localhost")],
        &[("REDIS_URL", "redis://:hunter2@localhost:port")],
        &[("REDIS_URL", "redis://:hunter2/@localhost")],
        &[("REDIS_URL", "hunter2")],
        &[("REDIS_URL", "hunter2://localhost")],
        &[("REDIS_URL", "http://me:hunter2@localhost")],
        &[("REDIS_URL", "redis+sentinel://:hunter2@localhost")],
        &[
            ("REDIS_URL", "redis://localhost"),
            ("REDIS_PASSWORD", "hunter2"),
        ],
        &[("REDIS_HOST", "me:hunter2@localhost")],
        &[("REDIS_HOST", "redis://me:hunter2@localhost")],
        &[("REDIS_HOST", "localhost"), ("REDIS_PASSWORD", "hunter2")],
        &[
            ("REDIS_HOST", "localhost"),
            ("REDIS_PORT", "redis://hunter2@localhost"),
        ],
    ];
    let (mut said, mut refused) = (Vec::new(), 0);
    for pairs in passwords {
        for kind in [
            None,
            Some("redis"),
            Some("redis-sentinel"),
            Some("redis-cluster"),
        ] {
            // Without a near tier, whose table would be made for each of them.
            let mut settings = settings(pairs).with("CACHE_MAX_ENTRIES", "0");
            if let Some(kind) = kind {
                settings = settings.with("CACHE_TYPE", kind);
            }
            said.push(format!("{settings:?}"));
            match CacheBuilder::from_settings(&settings) {
                Ok(builder) => {
                    said.push(format!("{builder:?}"));
                    said.push(format!("{:?}", builder.build()));
                }
                Err(error) => {
                    refused += 1;
                    said.push(format!("{error} {error:?}"));
                }
            }
        }
    }
    assert!(refused > 10, "{refused}");
    said.extend(warnings.take());
    for text in said {
        assert!(!text.contains(SECRET), "{text}");
    }
}
