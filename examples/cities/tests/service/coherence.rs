//! A change shows at once wherever the city does, and a question asked twice costs one query.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::{
    task::{JoinSet, yield_now},
    time::timeout,
};

use crate::app::App;

const BERLIN: &str = "/cities/2950159";
const GERMANY: &str = "/countries/DE/cities?size=1";
const FRANCE: &str = "/countries/FR/cities?size=1";

fn giant(name: &str, country: &str) -> Value {
    json!({
        "name": name, "country": country, "latitude": 52.5, "longitude": 13.4,
        "population": 4_000_000_000_u32, "timezone": "Europe/Berlin",
    })
}

/// The first city of a country's page or of a search.
async fn first(app: &App, path: &str) -> Value {
    let (status, answer) = app.get(path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    let list = if answer["list"].is_null() {
        &answer
    } else {
        &answer["list"]
    };
    list["cities"][0]["name"].clone()
}

async fn total(app: &App, path: &str) -> u64 {
    let (_, answer) = app.get(path).await;
    let list = if answer["list"].is_null() {
        &answer
    } else {
        &answer["list"]
    };
    list["total"].as_u64().expect("a list")
}

#[tokio::test]
async fn a_question_asked_twice_costs_one_query() {
    for app in App::cached().await {
        for (asked, again) in [
            (BERLIN, BERLIN),
            (
                "/countries/DE/cities",
                "/countries/de/cities?page=1&sort=population&size=20",
            ),
            ("/cities?name=S%C3%A3o", "/cities?name=sao&page=1"),
            ("/cities/4000000000", "/cities/4000000000"),
        ] {
            let before = app.trips().reads;
            let answer = app.get(asked).await;
            assert_eq!(app.get(again).await, answer);
            assert_eq!(app.trips().reads, before + 1, "{asked}, {again}");
        }
    }
}

#[tokio::test]
async fn different_questions_have_different_answers() {
    for app in App::cached().await {
        let paths = [
            "/countries/DE/cities",
            "/countries/AT/cities",
            "/countries/DE/cities?sort=name",
            "/countries/DE/cities?page=2",
            "/countries/DE/cities?size=2",
            "/countries/DE/cities?page=2&size=2",
            "/cities?name=be",
            "/cities?name=ber",
            "/cities?name=ber&page=2",
        ];
        let plain = App::plain();
        // Twice, so that each answer is also read from the cache.
        for path in paths.iter().chain(&paths) {
            assert_eq!(app.get(path).await, plain.get(path).await, "{path}");
        }
        assert_eq!(app.trips().reads, paths.len() as u64);
    }
}

#[tokio::test]
async fn many_who_ask_at_once_cost_one_query() {
    for app in App::cached().await {
        let mut answers = JoinSet::new();
        for _ in 0..100 {
            let app = app.clone();
            answers.spawn(async move { app.get(BERLIN).await });
        }
        let answers = answers.join_all().await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(app.trips().reads, 1);
    }
}

#[tokio::test]
async fn an_update_shows_at_once_in_the_city_its_country_and_the_searches() {
    for app in App::cached().await {
        for path in [GERMANY, "/cities?name=ber", BERLIN] {
            app.get(path).await;
        }
        let (_, changed) = app.put(BERLIN, &giant("Bernau", "DE")).await;
        assert_eq!(app.get(BERLIN).await.1, changed);
        assert_eq!(first(&app, GERMANY).await, "Bernau");
        assert_eq!(first(&app, "/cities?name=ber").await, "Bernau");
    }
}

#[tokio::test]
async fn a_city_that_moves_leaves_one_country_and_shows_in_the_other() {
    for app in App::cached().await {
        let before = (total(&app, GERMANY).await, total(&app, FRANCE).await);
        app.put(BERLIN, &giant("Berlin", "FR")).await;
        assert_eq!(first(&app, GERMANY).await, "Hamburg");
        assert_eq!(first(&app, FRANCE).await, "Berlin");
        let after = (total(&app, GERMANY).await, total(&app, FRANCE).await);
        assert_eq!(after, (before.0 - 1, before.1 + 1));
    }
}

#[tokio::test]
async fn a_city_that_is_renamed_leaves_one_search_and_shows_in_the_other() {
    for app in App::cached().await {
        assert_eq!(first(&app, "/cities?name=berlin").await, "Berlin");
        assert_eq!(total(&app, "/cities?name=zzyzx").await, 0);
        app.put(BERLIN, &giant("Zzyzx", "DE")).await;
        assert_ne!(first(&app, "/cities?name=berlin").await, "Berlin");
        assert_eq!(first(&app, "/cities?name=zzyzx").await, "Zzyzx");
    }
}

#[tokio::test]
async fn a_new_city_shows_at_once_even_where_it_was_known_to_be_missing() {
    for app in App::cached().await {
        let path = "/cities/1000000000";
        assert_eq!(app.get(path).await.0, StatusCode::NOT_FOUND);
        let before = (
            total(&app, GERMANY).await,
            total(&app, "/cities?name=ne").await,
        );
        let (_, created) = app.post("/cities", &giant("Neustadt", "DE")).await;
        assert_eq!(app.get(path).await, (StatusCode::OK, created));
        let after = (
            total(&app, GERMANY).await,
            total(&app, "/cities?name=ne").await,
        );
        assert_eq!(after, (before.0 + 1, before.1 + 1));
    }
}

#[tokio::test]
async fn a_deleted_city_is_gone_at_once_from_all_that_showed_it() {
    for app in App::cached().await {
        assert_eq!(first(&app, GERMANY).await, "Berlin");
        assert_eq!(first(&app, "/cities?name=berlin").await, "Berlin");
        assert_eq!(app.get(BERLIN).await.0, StatusCode::OK);
        app.delete(BERLIN).await;
        assert_eq!(first(&app, GERMANY).await, "Hamburg");
        assert_ne!(first(&app, "/cities?name=berlin").await, "Berlin");
        assert_eq!(app.get(BERLIN).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_change_leaves_alone_what_does_not_show_the_city() {
    for app in App::cached().await {
        let others = [FRANCE, "/cities?name=par", "/cities/2988507"];
        for path in others {
            app.get(path).await;
        }
        app.put(BERLIN, &giant("Berlin", "DE")).await;
        let reads = app.trips().reads;
        for path in others {
            app.get(path).await;
        }
        assert_eq!(app.trips().reads, reads);
    }
}

#[tokio::test]
async fn a_change_starts_from_what_another_process_has_made_of_the_city() {
    let [one, other] = App::strangers();
    one.get(BERLIN).await;
    other.put(BERLIN, &giant("Berlin", "FR")).await;
    assert_eq!(first(&one, FRANCE).await, "Berlin");
    let (status, changed) = one.put(BERLIN, &giant("Berlin", "AT")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(one.get(BERLIN).await.1, changed);
    assert_ne!(first(&one, FRANCE).await, "Berlin");
}

#[tokio::test]
async fn a_change_whose_client_has_gone_shows_all_the_same() {
    // The client goes at another point of the change each time.
    for patience in [1, 15, 25, 35, 45, 55] {
        for app in App::cached_and_slow(Duration::from_millis(20)).await {
            let draft = giant("Bernau", "DE");
            let change = app.put(BERLIN, &draft);
            let left = timeout(Duration::from_millis(patience), change).await;
            let shown = async {
                while app.get(BERLIN).await.1["name"] != "Bernau"
                    || first(&app, "/cities?name=ber").await != "Bernau"
                    || first(&app, GERMANY).await != "Bernau"
                {
                    // A hit never waits; the change needs this thread.
                    yield_now().await;
                }
            };
            let in_time = timeout(Duration::from_secs(5), shown).await;
            in_time.unwrap_or_else(|_| panic!("lost after {patience} ms: {left:?}"));
        }
    }
}
