//! What the service answers, the same with and without the cache.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;

const BERLIN: u32 = 2_950_159;

fn names(list: &Value) -> Vec<&str> {
    let cities = list["cities"].as_array().expect("a list of cities");
    cities
        .iter()
        .map(|city| city["name"].as_str().expect("a name"))
        .collect()
}

fn draft(name: &str, country: &str) -> Value {
    json!({
        "name": name, "country": country, "admin1": "16", "latitude": 52.5, "longitude": 13.4,
        "population": 1_000_000, "timezone": "Europe/Berlin",
    })
}

#[tokio::test]
async fn a_city_is_found_by_its_id() {
    for app in App::each().await {
        let (status, city) = app.get(&format!("/cities/{BERLIN}")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(city["name"], "Berlin");
        assert_eq!(city["country"], "DE");
        assert_eq!(city["version"], 1);
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    for app in App::each().await {
        let unknown = "/cities/4294967295";
        assert_eq!(app.get(unknown).await, missing("city"));
        assert_eq!(
            app.put(unknown, &draft("Nowhere", "DE")).await,
            missing("city")
        );
        assert_eq!(app.delete(unknown).await, missing("city"));
        assert_eq!(app.get("/countries/ZZ/cities").await, missing("country"));
    }
}

fn missing(what: &str) -> (StatusCode, Value) {
    (
        StatusCode::NOT_FOUND,
        json!({ "error": format!("there is no such {what}") }),
    )
}

#[tokio::test]
async fn a_country_lists_its_cities_by_population_or_by_name() {
    for app in App::each().await {
        let (status, answer) = app.get("/countries/AT/cities?size=3").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["country"]["name"], "Austria");
        assert_eq!(names(&answer["list"]), ["Vienna", "Graz", "Linz"]);

        let (_, answer) = app.get("/countries/at/cities?sort=name&size=100").await;
        let by_name = names(&answer["list"]);
        assert_eq!(answer["list"]["total"], by_name.len());
        assert!(by_name.is_sorted_by_key(|name| cities::Name::from(*name).folded));
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    for app in App::each().await {
        let (_, whole) = app.get("/countries/CH/cities?size=20").await;
        let mut pages = Vec::new();
        for page in 1..=4 {
            let (_, part) = app
                .get(&format!("/countries/CH/cities?size=5&page={page}"))
                .await;
            pages.extend(names(&part["list"]).into_iter().map(str::to_owned));
        }
        assert_eq!(pages, names(&whole["list"]));
        let (status, beyond) = app.get("/countries/CH/cities?page=1000").await;
        assert_eq!(status, StatusCode::OK);
        assert!(names(&beyond["list"]).is_empty());
    }
}

#[tokio::test]
async fn a_search_finds_names_by_their_start_without_case_and_accents() {
    for app in App::each().await {
        let (status, found) = app.get("/cities?name=S%C3%A3o%20pa&size=2").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(names(&found)[0], "São Paulo");
        assert_eq!(found, app.get("/cities?name=sao%20PA&size=2").await.1);
        assert_eq!(app.get("/cities?name=qqqq").await.1["total"], 0);
        assert_eq!(app.get("/cities?name=%25%25").await.1["total"], 0);
    }
}

#[tokio::test]
async fn a_city_is_created_changed_and_deleted() {
    for app in App::each().await {
        let (status, created) = app.post("/cities", &draft("Neustadt XX", "DE")).await;
        assert_eq!(status, StatusCode::CREATED);
        let path = format!("/cities/{}", created["id"]);
        assert_eq!(app.get(&path).await, (StatusCode::OK, created.clone()));

        let (status, changed) = app.put(&path, &draft("Neustadt YY", "AT")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            (&changed["name"], &changed["country"]),
            (&json!("Neustadt YY"), &json!("AT"))
        );
        assert!(changed["version"].as_u64() > created["version"].as_u64());
        assert_eq!(app.get(&path).await, (StatusCode::OK, changed));

        assert_eq!(app.delete(&path).await.0, StatusCode::OK);
        assert_eq!(app.get(&path).await, missing("city"));
        assert_eq!(app.delete(&path).await, missing("city"));
    }
}

#[tokio::test]
async fn a_created_city_tells_where_it_is() {
    for app in App::each().await {
        let answer = app
            .send("POST", "/cities", Some(&draft("Neustadt", "DE")))
            .await;
        let location = answer.headers()["location"]
            .to_str()
            .expect("text")
            .to_owned();
        assert_eq!(app.get(&location).await.1["name"], "Neustadt");
    }
}

#[tokio::test]
async fn an_id_is_never_used_again() {
    for app in App::each().await {
        let (_, first) = app.post("/cities", &draft("First", "DE")).await;
        app.delete(&format!("/cities/{}", first["id"])).await;
        let (_, second) = app.post("/cities", &draft("Second", "DE")).await;
        assert_ne!(first["id"], second["id"]);
    }
}

#[tokio::test]
async fn a_bad_request_is_told_what_to_send_instead() {
    for app in App::each().await {
        refused(&app, "/cities/berlin", 400, "Cannot parse").await;
        refused(&app, "/countries/DEU/cities", 400, "two letters").await;
        refused(&app, "/countries/DE/cities?page=0", 400, "1 to 1000").await;
        refused(&app, "/countries/DE/cities?size=101", 400, "1 to 100").await;
        refused(&app, "/countries/DE/cities?sort=age", 400, "population").await;
        refused(&app, "/cities?name=b", 400, "2 to 200").await;
        refused(&app, "/cities", 400, "name").await;
    }
}

async fn refused(app: &App, path: &str, status: u16, why: &str) {
    let (found, body) = app.get(path).await;
    assert_eq!(found.as_u16(), status, "{path}");
    let error = body["error"].as_str().expect("an error as JSON");
    assert!(error.contains(why), "{path}: {error}");
}

#[tokio::test]
async fn an_impossible_city_is_refused() {
    for app in App::each().await {
        let before = app.get("/cities?name=impossible").await;
        for (field, value) in [
            ("name", json!(" ")),
            ("name", json!("x".repeat(201))),
            ("latitude", json!(90.5)),
            ("longitude", json!(-181)),
            ("population", json!(-1)),
            ("country", json!("Germany")),
            ("country", json!("ZZ")),
            ("timezone", json!("")),
        ] {
            let mut draft = draft("Impossible", "DE");
            draft[field] = value;
            let (status, answer) = app.post("/cities", &draft).await;
            assert_eq!(
                status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{field}: {answer}"
            );
            assert!(
                answer["error"]
                    .as_str()
                    .is_some_and(|why| why.contains(field)),
                "{answer}"
            );
            let berlin = format!("/cities/{BERLIN}");
            assert_eq!(
                app.put(&berlin, &draft).await.0,
                StatusCode::UNPROCESSABLE_ENTITY
            );
        }
        assert_eq!(app.get("/cities?name=impossible").await, before);
    }
}

#[tokio::test]
async fn changes_of_one_city_at_the_same_time_all_happen() {
    for app in App::each().await {
        let path = format!("/cities/{BERLIN}");
        let changes = (0..8).map(|n| {
            let (app, path) = (app.clone(), path.clone());
            tokio::spawn(async move { app.put(&path, &draft(&format!("Berlin {n}"), "DE")).await })
        });
        let mut newest = Value::Null;
        for change in changes.collect::<Vec<_>>() {
            let (status, city) = change.await.expect("no panic");
            assert_eq!(status, StatusCode::OK);
            if city["version"].as_u64() > newest["version"].as_u64() {
                newest = city;
            }
        }
        assert_eq!(newest["version"], 9);
        assert_eq!(app.get(&path).await.1, newest);
    }
}
