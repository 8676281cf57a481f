//! How people sign in: the OpenID Connect provider, whom it lets in, and
//! whether passwords do too.

use super::{
    sources::{Name, Sources},
    yes_or_no,
};
use crate::failure::Failure;
use crate::site::oidc::{Admission, OidcSettings};
use model::Role;
use secrecy::SecretString;

const ISSUER: Name = Name {
    key: "oidc_issuer",
    variable: "PITLANE_OIDC_ISSUER",
};
const CLIENT_ID: Name = Name {
    key: "oidc_client_id",
    variable: "PITLANE_OIDC_CLIENT_ID",
};
const CLIENT_SECRET: Name = Name {
    key: "oidc_client_secret",
    variable: "PITLANE_OIDC_CLIENT_SECRET",
};
const SCOPES: Name = Name {
    key: "oidc_scopes",
    variable: "PITLANE_OIDC_SCOPES",
};
const NAME: Name = Name {
    key: "oidc_name",
    variable: "PITLANE_OIDC_NAME",
};
const ALLOW: Name = Name {
    key: "oidc_allow",
    variable: "PITLANE_OIDC_ALLOW",
};
const TEAM: Name = Name {
    key: "oidc_team",
    variable: "PITLANE_OIDC_TEAM",
};
const ROLE: Name = Name {
    key: "oidc_role",
    variable: "PITLANE_OIDC_ROLE",
};
const PASSWORDS: Name = Name {
    key: "password_sign_in",
    variable: "PITLANE_PASSWORD_SIGN_IN",
};

/// All of them.
pub const NAMES: [Name; 9] = [
    ISSUER,
    CLIENT_ID,
    CLIENT_SECRET,
    SCOPES,
    NAME,
    ALLOW,
    TEAM,
    ROLE,
    PASSWORDS,
];

/// How people sign in.
#[derive(Clone, Debug)]
pub struct SignInSettings {
    /// The OpenID Connect provider, when there is one.
    pub provider: Option<OidcSettings>,
    /// Whether a name and a password sign in.
    pub passwords: bool,
}

/// Reads them.
///
/// # Errors
/// When one cannot be used, or something that goes with it is missing.
pub fn read(sources: &Sources) -> Result<SignInSettings, Failure> {
    let issuer = sources.get(ISSUER, issuer)?;
    let provider = match issuer {
        Some(issuer) => Some(provider(sources, issuer)?),
        None => {
            // A setting that would do nothing is a mistake that nobody notices.
            for name in [CLIENT_ID, CLIENT_SECRET, SCOPES, NAME, ALLOW, TEAM, ROLE] {
                if sources.has(name) {
                    return Err(Failure::unusable(format!(
                        "{} is set and {} is not, so nobody can be signed in through a provider. Set the provider\u{2019}s address too.",
                        name.variable, ISSUER.variable
                    )));
                }
            }
            None
        }
    };
    let passwords = sources.get(PASSWORDS, yes_or_no)?.unwrap_or(true);
    if !passwords && provider.is_none() {
        return Err(Failure::unusable(format!(
            "{} is false and {} is not set, so nobody could sign in. Set one of them.",
            PASSWORDS.variable, ISSUER.variable
        )));
    }
    Ok(SignInSettings { provider, passwords })
}

fn provider(sources: &Sources, issuer: String) -> Result<OidcSettings, Failure> {
    let client_id = sources.get(CLIENT_ID, |text| Ok(text.to_owned()))?;
    let client_id = client_id.ok_or_else(|| {
        Failure::unusable(format!(
            "{} is set and {} is not. Set the id that the provider gave to this Pitlane.",
            ISSUER.variable, CLIENT_ID.variable
        ))
    })?;
    let usual_name = || {
        let host = issuer.split("://").nth(1).unwrap_or(&issuer);
        host.split('/').next().unwrap_or(host).to_owned()
    };
    Ok(OidcSettings {
        client_id,
        client_secret: sources.get_secret(CLIENT_SECRET, |text| Ok(SecretString::from(text.to_owned())))?,
        scopes: sources
            .get(SCOPES, scopes)?
            .unwrap_or_else(|| ["openid", "profile", "email"].map(str::to_owned).to_vec()),
        name: sources.get(NAME, label)?.unwrap_or_else(usual_name),
        allow: sources.get(ALLOW, Admission::parse)?.unwrap_or_default(),
        team: sources.get(TEAM, |text| Ok(text.to_owned()))?,
        role: sources.get(ROLE, role)?.unwrap_or(Role::Member),
        issuer,
    })
}

/// The provider's address, exactly as its own documents name it. Whoever can read or change what it
/// says can sign in as anybody, so it has to be reached over TLS, or on this machine.
fn issuer(text: &str) -> Result<String, String> {
    let wrong = || {
        "an address such as https://id.example.com is needed; http only for a provider on this machine."
            .to_owned()
    };
    let url: http::Uri = text.parse().map_err(|_| wrong())?;
    let host = url.host().ok_or_else(wrong)?;
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let is_safe = match url.scheme_str() {
        Some("https") => true,
        Some("http") => is_here,
        _ => false,
    };
    if !is_safe || url.query().is_some() {
        return Err(wrong());
    }
    Ok(text.to_owned())
}

fn scopes(text: &str) -> Result<Vec<String>, String> {
    let mut scopes: Vec<String> = text
        .split([' ', ','])
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    if scopes
        .iter()
        .any(|scope| !scope.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return Err("names of scopes with spaces between them are needed, such as openid email.".to_owned());
    }
    // Without it the provider does not say who somebody is.
    if !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, "openid".to_owned());
    }
    Ok(scopes)
}

fn label(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 40 || text.chars().any(char::is_control) {
        return Err("a name of 1 to 40 characters is needed, such as Example Inc.".to_owned());
    }
    Ok(text.to_owned())
}

fn role(text: &str) -> Result<Role, String> {
    match Role::parse(text) {
        // Whoever the provider lets in must not own a team by that.
        Some(Role::Owner) | None => Err("admin, member or viewer is needed.".to_owned()),
        Some(role) => Ok(role),
    }
}
