CREATE TABLE country (
    code       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    continent  TEXT NOT NULL,
    capital    TEXT NOT NULL,
    population INTEGER NOT NULL,
    area_km2   REAL NOT NULL,
    currency   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE city (
    id         INTEGER PRIMARY KEY,
    version    INTEGER NOT NULL,
    name       TEXT NOT NULL,
    folded     TEXT NOT NULL,
    country    TEXT NOT NULL REFERENCES country,
    admin1     TEXT NOT NULL,
    latitude   REAL NOT NULL,
    longitude  REAL NOT NULL,
    population INTEGER NOT NULL,
    timezone   TEXT NOT NULL
) STRICT;

CREATE INDEX city_by_population ON city (country, population DESC, id);
CREATE INDEX city_by_name ON city (country, folded, id);
CREATE INDEX city_by_folded ON city (folded);

-- One row: the number of the newest change, and the last id that was given out.
CREATE TABLE counter (revision INTEGER NOT NULL, id INTEGER NOT NULL) STRICT;
INSERT INTO counter VALUES (1, 999999999);
