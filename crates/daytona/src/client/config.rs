//! Where the provider is and who we are to it.

use super::Error;
use secrecy::SecretString;

/// Daytona's cloud.
pub const DEFAULT_API_URL: &str = "https://app.daytona.io/api";

/// How to reach a provider.
///
/// `Debug` does not show the key.
#[derive(Clone, Debug)]
pub struct Config {
    /// Base of the control plane, such as `https://app.daytona.io/api`.
    pub api_url: String,
    /// The API key; sent to the control plane and to the toolbox.
    pub api_key: SecretString,
    /// The region new sandboxes are made in; the provider's default when not given.
    pub target: Option<String>,
    /// The organization to speak for; wanted with a token of a person, not with
    /// an API key, which belongs to one.
    pub organization_id: Option<String>,
}

impl Config {
    /// Daytona's cloud with this key.
    #[must_use]
    pub fn new(api_key: impl Into<String>) -> Self {
        Self {
            api_url: DEFAULT_API_URL.to_owned(),
            api_key: SecretString::from(api_key.into()),
            target: None,
            organization_id: None,
        }
    }

    /// Reads `DAYTONA_API_KEY` (else `DAYTONA_JWT_TOKEN` with
    /// `DAYTONA_ORGANIZATION_ID`), `DAYTONA_API_URL` and `DAYTONA_TARGET`, as
    /// the official SDKs do.
    ///
    /// # Errors
    /// A sentence, when the key is missing or a value is not text.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_lookup(|name| match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::Config(format!(
                "{name} holds bytes that are not text. Set it anew."
            ))),
        })
    }

    /// The same from any source of values, so that it can be tried without
    /// changing the process's environment.
    pub(super) fn from_lookup(
        mut lookup: impl FnMut(&str) -> Result<Option<String>, Error>,
    ) -> Result<Self, Error> {
        let mut value = |name: &str| -> Result<Option<String>, Error> {
            let value = lookup(name)?.map(|value| value.trim().to_owned());
            Ok(value.filter(|value| !value.is_empty()))
        };
        let key = value("DAYTONA_API_KEY")?;
        // A key belongs to an organization; a person may belong to several.
        let organization_id = match key {
            Some(_) => None,
            None => value("DAYTONA_ORGANIZATION_ID")?,
        };
        let Some(api_key) = key.map_or_else(|| value("DAYTONA_JWT_TOKEN"), |key| Ok(Some(key)))? else {
            return Err(Error::Config(
                "DAYTONA_API_KEY is not set. Set it to an API key of your Daytona account, or of a Pitlane engine."
                    .to_owned(),
            ));
        };
        Ok(Self {
            api_url: value("DAYTONA_API_URL")?.unwrap_or_else(|| DEFAULT_API_URL.to_owned()),
            api_key: SecretString::from(api_key),
            target: value("DAYTONA_TARGET")?,
            organization_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn from(values: &[(&str, &str)]) -> Result<Config, Error> {
        Config::from_lookup(|name| {
            let found = values.iter().find(|(key, _)| *key == name);
            Ok(found.map(|(_, value)| (*value).to_owned()))
        })
    }

    #[test]
    fn the_environment_is_read_as_the_sdks_read_it() {
        let config =
            from(&[("DAYTONA_API_KEY", " dtn_1\n"), ("DAYTONA_API_URL", "")]).expect("a key is enough");
        assert_eq!(config.api_url, DEFAULT_API_URL);
        assert_eq!(config.api_key.expose_secret(), "dtn_1");
        assert_eq!((config.target, config.organization_id), (None, None));
        let person =
            from(&[("DAYTONA_JWT_TOKEN", "a.b.c"), ("DAYTONA_ORGANIZATION_ID", "o")]).expect("a token");
        assert_eq!(person.api_key.expose_secret(), "a.b.c");
        assert_eq!(person.organization_id.as_deref(), Some("o"));
        let error = from(&[("DAYTONA_TARGET", "us")]).expect_err("no key");
        assert!(
            error.to_string().starts_with("DAYTONA_API_KEY is not set."),
            "{error}"
        );
    }

    #[test]
    fn debug_hides_the_key() {
        let shown = format!("{:?}", Config::new("dtn_very_secret"));
        assert!(!shown.contains("very_secret"), "{shown}");
    }
}
