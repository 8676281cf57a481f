//! Starts a PostgreSQL for tests, prints its address, and stops it when
//! standard input closes: `TEST_DATABASE_URL` for tests that are run by hand.

use std::io::{self, Read as _, Write as _};

fn main() -> anyhow::Result<()> {
    let postgres = testkit::postgres::start()?;
    writeln!(io::stdout(), "{}", postgres.url())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
