//! How much one client, person or team may ask for.

use super::{
    INTERPRETERS_PER_PERSON, INTERPRETERS_PER_TEAM, InterpreterLimits, Limits, STARTS_PER_MINUTE,
    STREAMS_PER_PERSON, Sources, number,
};
use crate::failure::Failure;

/// Of one client of the site.
pub(super) fn limits(sources: &Sources) -> Result<Limits, Failure> {
    let usual = Limits::default();
    Ok(Limits {
        streams_per_person: sources
            .get(STREAMS_PER_PERSON, |text| number(text, 1, 100_000))?
            .map_or(usual.streams_per_person, |count| count as usize),
        starts_per_minute: sources
            .get(STARTS_PER_MINUTE, |text| number(text, 0, 100_000))?
            .map_or(usual.starts_per_minute, |count| count as usize),
    })
}

/// Of interpreters at once.
pub(super) fn interpreters(sources: &Sources) -> Result<InterpreterLimits, Failure> {
    let count = |name, usual| -> Result<u32, Failure> {
        let count = sources.get(name, |text| number(text, 0, 10_000))?;
        Ok(count.and_then(|count| count.try_into().ok()).unwrap_or(usual))
    };
    Ok(InterpreterLimits {
        of_one_person: count(INTERPRETERS_PER_PERSON, 8)?,
        of_one_team: count(INTERPRETERS_PER_TEAM, 32)?,
    })
}
