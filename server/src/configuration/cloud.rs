//! Daytona's cloud, when it is to be used instead of the engine of this machine.

use super::{DAYTONA_API_KEY, DAYTONA_API_URL, DAYTONA_TARGET, Sources, address};
use crate::failure::Failure;
use secrecy::SecretString;

/// Daytona's cloud.
const DAYTONA_CLOUD: &str = "https://app.daytona.io/api";

/// How Daytona's cloud is reached.
#[derive(Clone, Debug)]
pub struct CloudSettings {
    /// The base URL of its API.
    pub api_url: String,
    /// The key.
    pub api_key: SecretString,
    /// The region.
    pub target: Option<String>,
}

/// Reads them; none without a key.
pub(super) fn read(sources: &Sources) -> Result<Option<CloudSettings>, Failure> {
    let Some(api_key) = sources.get(DAYTONA_API_KEY, |text| Ok(SecretString::from(text.to_owned())))? else {
        return Ok(None);
    };
    Ok(Some(CloudSettings {
        api_url: sources
            .get(DAYTONA_API_URL, address::api)?
            .unwrap_or_else(|| DAYTONA_CLOUD.to_owned()),
        api_key,
        target: sources.get(DAYTONA_TARGET, |text| Ok(text.to_owned()))?,
    }))
}
