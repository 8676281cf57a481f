//! Backups, and moving from one database to another: every table there is,
//! whole or not at all.

use crate::fresh::{Fresh, on_both, postgres_schema, server};
use sqlx::{Column as _, Row as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::Path,
};
use store::{Archive, Header, OF_LIBRARIES, Pools, Store, TABLES, Writing, kept_tables, sqlite_file};

/// Rows of text of a query on the catalogue.
async fn catalogue(store: &Store, sqlite: &str, postgres: &str) -> Vec<Vec<String>> {
    macro_rules! read {
        ($pool:expr, $sql:expr) => {
            sqlx::query($sql)
                .fetch_all($pool)
                .await
                .expect("the catalogue")
                .iter()
                .map(|row| {
                    (0..row.columns().len())
                        .map(|at| row.get::<String, _>(row.columns()[at].ordinal()))
                        .collect()
                })
                .collect()
        };
    }
    match store.pools() {
        Pools::Sqlite(pool) => read!(pool, sqlite),
        Pools::Postgres(pool) => read!(pool, postgres),
    }
}

async fn tables(store: &Store) -> BTreeSet<String> {
    let rows = catalogue(
        store,
        "select name from sqlite_master where type = 'table' and name not like 'sqlite!_%' escape '!'",
        "select table_name::text from information_schema.tables
         where table_schema = current_schema() and table_type = 'BASE TABLE'",
    );
    rows.await.into_iter().flatten().collect()
}

/// What refers to what: table, column, the other table, its column.
async fn references(store: &Store) -> Vec<[String; 4]> {
    let rows = catalogue(
        store,
        "select m.name, f.\"from\", f.\"table\", coalesce(f.\"to\", 'id') from sqlite_master m, pragma_foreign_key_list(m.name) f
         where m.type = 'table'",
        "select c.conrelid::regclass::text, a.attname::text, c.confrelid::regclass::text, b.attname::text
         from pg_constraint c
         join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
         join pg_attribute b on b.attrelid = c.confrelid and b.attnum = c.confkey[1]
         where c.contype = 'f' and c.connamespace = current_schema()::regnamespace",
    );
    rows.await
        .into_iter()
        .map(|row| row.try_into().expect("four words"))
        .collect()
}

on_both! {
    async fn every_table_is_in_the_list_after_those_it_refers_to(store: Store) {
        let listed: BTreeSet<String> = TABLES.iter().map(|table| table.name.to_owned()).collect();
        assert_eq!(listed.len(), TABLES.len(), "one is listed twice");
        let mut there = tables(&store).await;
        there.retain(|name| !OF_LIBRARIES.contains(&name.as_str()));
        assert_eq!(there, listed, "a new table goes into crates/store/src/transfer/tables.rs");
        let place = |name: &str| TABLES.iter().position(|table| table.name == name).expect("listed");
        for [table, column, other, _] in references(&store).await {
            assert!(place(&other) < place(&table), "{table}.{column} refers to {other}, which is to stand before it");
            let is_left_out = |name: &str| TABLES[place(name)].left_out.is_some();
            assert!(!is_left_out(&other) || is_left_out(&table), "{table}.{column} would refer to nothing");
        }
        // Their next number would not be moved.
        let sequences = catalogue(
            &store,
            "select name from sqlite_master where name = 'sqlite_sequence'",
            "select sequence_name::text from information_schema.sequences where sequence_schema = current_schema()",
        );
        assert!(sequences.await.is_empty(), "ids are not given by sequences");
    }
}

#[tokio::test]
async fn both_databases_have_the_same_columns() {
    let (sqlite, Some(postgres)) = (Fresh::sqlite().await, Fresh::postgres().await) else {
        return;
    };
    let mut snapshots = [
        sqlite.store.snapshot_all().await.expect("a snapshot"),
        postgres.store.snapshot_all().await.expect("a snapshot"),
    ];
    let [one, other] = &mut snapshots;
    for table in TABLES {
        assert_eq!(
            one.columns(table.name).await.expect("columns"),
            other.columns(table.name).await.expect("columns"),
            "{}",
            table.name
        );
    }
}

/// How many rows each table gets.
const ROWS: usize = 250;

/// Puts rows into every table that is kept: whatever its columns are, with what they refer to.
async fn fill(store: &Store) {
    let references = references(store).await;
    let mut filling = store.fill().await.expect("filling");
    let mut snapshot = store.snapshot_all().await.expect("a snapshot");
    let mut ids: BTreeMap<(String, String), Vec<store::Cell>> = BTreeMap::new();
    for table in kept_tables() {
        let columns = snapshot.columns(table).await.expect("columns");
        // Large bodies, so that statements of one row are made too.
        let rows = if table == "log_chunks" { 40 } else { ROWS };
        for row in 0..rows {
            let mut cells = Vec::new();
            for column in &columns {
                let refers = references
                    .iter()
                    .find(|[of, name, ..]| of == table && *name == column.name);
                let cell = match refers {
                    Some([.., other, id]) => ids[&(other.clone(), id.clone())][row].clone(),
                    None => cell(table, column, row),
                };
                let known = ids.entry((table.to_owned(), column.name.clone())).or_default();
                known.push(cell.clone());
                cells.push(cell);
            }
            filling.add(table, &columns, cells).await.expect("a row");
        }
        filling
            .flush(table, &columns)
            .await
            .unwrap_or_else(|error| panic!("{table} takes no such rows: {error}"));
    }
    filling.commit().await.expect("filled");
}

/// A value that is in no other row, and now and then an odd one.
fn cell(table: &str, column: &store::Column, row: usize) -> store::Cell {
    use store::{Cell, Kind};
    let number = i64::try_from(row).expect("small");
    match column.kind {
        Kind::Text => Cell::Text(format!("{row} \u{1f680} '\"\\\n {}", column.name)),
        Kind::Number => Cell::Number(
            number
                + if row.is_multiple_of(2) {
                    i64::MAX - 1000
                } else {
                    -500
                },
        ),
        Kind::Real => Cell::Real(f64::from(u32::try_from(row).expect("small")) / 3.0),
        Kind::Flag => Cell::Flag(row.is_multiple_of(2)),
        Kind::Bytes if table == "log_chunks" => Cell::Bytes(vec![row as u8; 70_000]),
        Kind::Bytes => Cell::Bytes((0..row).map(|byte| byte as u8).collect()),
    }
}

async fn back_up(store: &Store, path: &Path) {
    let file = File::create(path).expect("a file");
    let mut writing = Writing::begin(file, &store.backup_header("0.0.0", false)).expect("begun");
    let mut snapshot = store.snapshot_all().await.expect("a snapshot");
    let moved = snapshot.write(&mut writing).await.expect("written");
    assert_eq!(moved.len(), kept_tables().count());
    assert!(moved.iter().all(|(_, contents)| contents.rows >= 40), "{moved:?}");
    writing.file("instance", b"a name").expect("a file");
    writing.finish().expect("finished");
}

async fn restore(path: &Path, store: &Store) -> store::Result<Vec<(String, Vec<u8>)>> {
    let mut archive = Archive::open(path)?;
    let mut filling = store.fill().await?;
    let (_, files) = archive.restore(&mut filling).await?;
    filling.commit().await?;
    Ok(files)
}

async fn difference(one: &Store, other: &Store) -> Option<&'static str> {
    let mut filling = other.fill().await.expect("filling");
    let mut snapshot = one.snapshot_all().await.expect("a snapshot");
    snapshot.difference(&mut filling).await.expect("compared")
}

/// A database of each kind there is, empty.
async fn databases() -> Vec<Fresh> {
    let mut all = vec![Fresh::sqlite().await];
    all.extend(Fresh::postgres().await);
    all
}

#[tokio::test]
async fn a_backup_of_either_fills_either() {
    for from in databases().await {
        fill(&from.store).await;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("backup");
        back_up(&from.store, &path).await;
        for to in databases().await {
            let files = restore(&path, &to.store).await.expect("restored");
            assert_eq!(files, [("instance".to_owned(), b"a name".to_vec())]);
            assert_eq!(difference(&from.store, &to.store).await, None);
            // A second time there is no room, and nothing changes.
            let again = restore(&path, &to.store).await;
            assert!(again.is_err(), "rows that are there already");
            assert_eq!(difference(&from.store, &to.store).await, None);
            // Emptied first, it can.
            let mut filling = to.store.fill().await.expect("filling");
            assert!(!filling.is_empty().await.expect("looked"));
            filling.empty().await.expect("emptied");
            assert!(filling.is_empty().await.expect("looked"));
            let mut archive = Archive::open(&path).expect("whole");
            archive.restore(&mut filling).await.expect("restored");
            filling.commit().await.expect("filled");
            assert_eq!(difference(&from.store, &to.store).await, None);
        }
    }
}

#[tokio::test]
async fn everything_moves_and_can_be_interrupted() {
    for from in databases().await {
        fill(&from.store).await;
        for to in databases().await {
            let mut snapshot = from.store.snapshot_all().await.expect("a snapshot");
            let mut filling = to.store.fill().await.expect("filling");
            let moved = snapshot.move_to(&mut filling).await.expect("moved");
            assert_eq!(moved.len(), kept_tables().count());
            // The process is killed before the end.
            drop(filling);
            let mut filling = to.store.fill().await.expect("filling");
            assert!(filling.is_empty().await.expect("looked"), "nothing half");
            snapshot.move_to(&mut filling).await.expect("moved");
            filling.commit().await.expect("filled");
            assert_eq!(difference(&from.store, &to.store).await, None);
            to.store
                .create_user("late", model::InstanceRole::Owner, None)
                .await
                .expect("a user");
            assert_eq!(difference(&from.store, &to.store).await, Some("users"));
        }
    }
}

on_both! {
    async fn a_backup_is_of_one_moment(store: Store) {
        fill(&store).await;
        let mut snapshot = store.snapshot_all().await.expect("a snapshot");
        store.create_user("late", model::InstanceRole::Owner, None).await.expect("a user");
        let folder = tempfile::tempdir().expect("a folder");
        let file = File::create(folder.path().join("backup")).expect("a file");
        let mut writing = Writing::begin(file, &store.backup_header("0.0.0", false)).expect("begun");
        let moved = snapshot.write(&mut writing).await.expect("written");
        let users = moved.iter().find(|(table, _)| table == "users").expect("users");
        assert_eq!(users.1.rows, ROWS as u64);
        drop(snapshot);
        let mut later = store.snapshot_all().await.expect("a snapshot");
        let users = later.columns("users").await.expect("columns");
        let now = later.each("users", &users, async |_| Ok(())).await.expect("read");
        assert_eq!(now.rows, ROWS as u64 + 1);
    }
}

#[tokio::test]
async fn a_file_that_is_not_whole_is_refused() {
    let fresh = Fresh::sqlite().await;
    fill(&fresh.store).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (path, other) = (folder.path().join("backup"), folder.path().join("other"));
    back_up(&fresh.store, &path).await;
    let whole = std::fs::read(&path).expect("readable");
    let refusal = |bytes: &[u8]| {
        std::fs::write(&other, bytes).expect("written");
        Archive::open(&other).expect_err("refused").to_string()
    };
    for length in [
        0,
        5,
        16,
        17,
        40,
        whole.len() / 2,
        whole.len() - 32,
        whole.len() - 1,
    ] {
        let said = refusal(&whole[..length]);
        assert!(
            said.contains("not whole") || said.contains("not a backup"),
            "{length}: {said}"
        );
    }
    for at in [20, whole.len() / 3, whole.len() - 40, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        let said = refusal(&changed);
        assert!(said.contains("not whole"), "{at}: {said}");
    }
    assert!(refusal(&[&whole[..], b"more"].concat()).contains("not whole"));
    assert!(refusal(b"SQLite format 3\0").contains("not a backup"));
    assert!(refusal(b"pitlane-backup 2\n{}\n").contains("newer Pitlane"));
    assert!(Archive::open(&folder.path().join("nothing")).is_err());
    let header = Archive::open(&path).expect("whole").header().clone();
    assert_eq!((header.database.as_str(), header.has_key), ("sqlite", false));
    for (schema, words) in [
        (header.schema + 1, "newer Pitlane (9.9.9)"),
        (1, "older Pitlane (9.9.9)"),
    ] {
        let file = File::create(&other).expect("a file");
        let header = Header {
            schema,
            pitlane: "9.9.9".to_owned(),
            ..header.clone()
        };
        Writing::begin(file, &header)
            .expect("begun")
            .finish()
            .expect("finished");
        let empty = Fresh::sqlite().await;
        let said = restore(&other, &empty.store)
            .await
            .expect_err("refused")
            .to_string();
        assert!(said.contains(words), "{said}");
    }
    // Whole, and without its tables.
    let file = File::create(&other).expect("a file");
    Writing::begin(file, &header)
        .expect("begun")
        .finish()
        .expect("finished");
    let empty = Fresh::sqlite().await;
    let said = restore(&other, &empty.store)
        .await
        .expect_err("refused")
        .to_string();
    assert!(said.contains("has no table users"), "{said}");
}

#[tokio::test]
async fn an_older_database_is_not_brought_up_to_date_by_a_look() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut urls = vec![format!("sqlite://{}/pitlane.db", folder.path().display())];
    assert!(
        Store::open_as_it_is(&urls[0]).await.is_err(),
        "nothing is made where nothing is"
    );
    assert!(!sqlite_file(&urls[0]).expect("a file").exists());
    urls.extend(postgres_schema().await);
    for url in urls {
        let store = Store::open(&url).await.expect("a database");
        let older =
            "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
        match store.pools() {
            Pools::Sqlite(pool) => drop(sqlx::query(older).execute(pool).await.expect("deleted")),
            Pools::Postgres(pool) => drop(sqlx::query(older).execute(pool).await.expect("deleted")),
        }
        store.close().await;
        let store = Store::open_as_it_is(&url).await.expect("opened");
        let said = store.snapshot_all().await.expect_err("refused").to_string();
        assert!(
            said.contains("Use the Pitlane that serves this database"),
            "{said}"
        );
        store.close().await;
    }
}

#[tokio::test]
async fn nothing_is_filled_below_a_server() {
    let Some(fresh) = Fresh::postgres().await else {
        return;
    };
    fresh.store.register_server(&server()).await.expect("announced");
    let said = fresh.store.fill().await.expect_err("refused").to_string();
    assert!(
        said.contains("A server is alive on the target database"),
        "{said}"
    );
    fresh.store.leave_server(&server()).await.expect("gone");
    let filling = fresh.store.fill().await.expect("filling");
    // One that starts meanwhile waits.
    let starting = tokio::spawn({
        let store = fresh.store.clone();
        async move { store.register_server(&server()).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!starting.is_finished());
    filling.commit().await.expect("filled");
    starting.await.expect("no panic").expect("announced");
}
