//! One SQL text serves both databases: what the store's statements rely on,
//! through the drivers alone, so that a failure here says what the others mean.

use crate::fresh::on_both;
use store::Pools;

/// What each statement gives, on either pool.
macro_rules! proof {
    ($pool:expr) => {{
        let pool = $pool;
        sqlx::query("create table proof (id text primary key, n bigint, flag boolean not null)")
            .execute(pool)
            .await
            .expect("a table");
        // Placeholders by number, used twice and out of order; upsert; returning.
        let upsert = "insert into proof (id, n, flag) values ($1, $2, $3)
                      on conflict (id) do update set n = excluded.n + $2 returning id, n, flag";
        let mut rows = Vec::new();
        for n in [Some(1_i64 << 40), None] {
            for flag in [false, true] {
                let row: (String, Option<i64>, bool) = sqlx::query_as(upsert)
                    .bind(format!("{n:?}"))
                    .bind(n)
                    .bind(flag)
                    .fetch_one(pool)
                    .await
                    .expect("an upsert");
                rows.push(row);
            }
        }
        // Row values, integer division, literals of booleans, counting with case.
        let counted: (i64, i64, i64) = sqlx::query_as(
            "select count(*), count(case when flag then 1 end), coalesce(max(n / 2), 0) from proof
             where (n, id) > ($2, $1) and flag = false",
        )
        .bind("")
        .bind(0_i64)
        .fetch_one(pool)
        .await
        .expect("a count");
        (rows, counted)
    }};
}

on_both! {
    async fn one_text_on_both(store: Store) {
        let (rows, counted) = match store.pools() {
            Pools::Sqlite(pool) => proof!(pool),
            Pools::Postgres(pool) => proof!(pool),
        };
        let big = 1_i64 << 40;
        let some = format!("{:?}", Some(big));
        assert_eq!(
            rows,
            [
                (some.clone(), Some(big), false),
                (some, Some(2 * big), false),
                ("None".to_owned(), None, false),
                ("None".to_owned(), None, false),
            ]
        );
        assert_eq!(counted, (1, 0, big));
    }
}

#[test]
fn migrations_have_the_same_numbers_and_names() {
    let names = |database: &str| {
        let folder = format!("{}/../../migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .expect("migrations")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}
