//! The provider: what its documents say, the address to send somebody to, and
//! who somebody is who came back with a code.
//!
//! Its documents and keys are read when somebody is about to be sent there, so
//! that nobody is sent to a provider that is away, and kept for an hour. A token
//! that was signed with a key we do not know has us read them once more: that is
//! how providers change keys.

use super::{
    OidcSettings,
    answer::{self, NoAnswer},
};
use chrono::{TimeDelta, Utc};
use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IdTokenVerifier, IssuerUrl, JwsSigningAlgorithm as _, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, TokenResponse as _,
    UserInfoError,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims,
        CoreJsonWebKey, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreTokenResponse, CoreUserInfoClaims,
    },
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// How long what the provider says of itself is kept.
const KEPT: Duration = Duration::from_secs(3600);
/// How old that may be when somebody is sent there: many may come at once.
const NEW: Duration = Duration::from_secs(5);
/// How far its clock and ours may be apart, in seconds.
const SKEW: i64 = 120;
/// The longest text of the provider's that is kept, in characters.
const LONGEST: usize = 200;

/// The provider that the operator named. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Provider {
    settings: Arc<OidcSettings>,
    http: reqwest::Client,
    documents: Arc<Mutex<Option<(Instant, CoreProviderMetadata)>>>,
}

/// What a sign-in needs to know at its end.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    /// What the answer has to carry, so that it is the answer to this.
    pub state: String,
    /// What the token has to carry, so that it was made for this.
    nonce: Nonce,
    /// What the code is good for nobody without.
    verifier: PkceCodeVerifier,
    /// Where the provider sends the browser back to.
    redirect: String,
}

/// Somebody, as the provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The provider's own address.
    pub issuer: String,
    /// Its name for the person, given to nobody else ever.
    pub subject: String,
    /// Their address.
    pub email: Option<String>,
    /// Whether the provider has verified that it is theirs.
    pub is_email_verified: bool,
    /// What they call themselves.
    pub name: Option<String>,
    /// What they sign in with there.
    pub username: Option<String>,
}

/// Why the provider did not say who somebody is.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It cannot be reached.
    #[error("the sign-in provider cannot be reached: {0}")]
    Away(String),
    /// What it says cannot be used.
    #[error("the sign-in provider's answer cannot be used: {0}")]
    Answer(String),
}

type Configured = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
type Answering = Pin<Box<dyn Future<Output = Result<HttpResponse, NoAnswer>> + Send>>;

impl Provider {
    /// A provider of these settings. Nothing is asked of it yet: it may be away while we start.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(settings: OidcSettings) -> reqwest::Result<Self> {
        Ok(Self {
            settings: Arc::new(settings),
            http: answer::client()?,
            documents: Arc::default(),
        })
    }

    /// What the operator says about it.
    pub fn settings(&self) -> &OidcSettings {
        &self.settings
    }

    /// Where to send somebody who is to come back to `redirect`, and what to know then.
    ///
    /// # Errors
    /// When the provider cannot be reached, or says what cannot be used.
    pub async fn begin(&self, redirect: String) -> Result<(String, Asked), ProviderError> {
        let documents = self.documents(NEW).await?;
        let client = self.client(&documents, &redirect)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        // The library asks for `openid` by itself.
        for scope in self.settings.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        let asked = Asked {
            state: state.secret().clone(),
            nonce,
            verifier,
            redirect,
        };
        Ok((url.to_string(), asked))
    }

    /// Who somebody is who came back with this code.
    ///
    /// # Errors
    /// When the provider cannot be reached, or says what cannot be used.
    pub async fn finish(&self, asked: Asked, code: String) -> Result<Person, ProviderError> {
        let documents = self.documents(KEPT).await?;
        let client = self.client(&documents, &asked.redirect)?;
        let http = self.http();
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| ProviderError::Answer(error.to_string()))?
            .set_pkce_verifier(asked.verifier)
            .request_async(&http)
            .await
            .map_err(|error| match error {
                RequestTokenError::Request(error) => ProviderError::Away(error.to_string()),
                error => ProviderError::Answer(words(&error)),
            })?;
        let token = tokens.id_token().ok_or_else(|| {
            ProviderError::Answer("there is no ID token in it; is the scope openid allowed?".to_owned())
        })?;
        let claims = match self.claims(&documents, token, &asked.nonce, &tokens) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey
                | SignatureVerificationError::CryptoError(_)
                | SignatureVerificationError::AmbiguousKeyId(_)
                | SignatureVerificationError::DisallowedAlg(_),
            )) => {
                let documents = self.documents(Duration::ZERO).await?;
                self.claims(&documents, token, &asked.nonce, &tokens)
            }
            claims => claims,
        };
        let claims = claims.map_err(|error| ProviderError::Answer(words(&error)))?;
        let mut person = Person {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            email: claims.email().map(|email| email.to_string()),
            is_email_verified: claims.email_verified().unwrap_or(false),
            name: first(
                claims
                    .name()
                    .and_then(|name| name.get(None))
                    .map(|name| name.as_str()),
            ),
            username: first(claims.preferred_username().map(|name| name.as_str())),
        };
        // Many providers tell no more than the subject in the token, and the rest when they are asked.
        if person.email.is_none()
            && let Ok(request) =
                client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        {
            let told: CoreUserInfoClaims =
                request.request_async(&http).await.map_err(|error| match error {
                    UserInfoError::Request(error) => ProviderError::Away(error.to_string()),
                    error => ProviderError::Answer(words(&error)),
                })?;
            person.email = told.email().map(|email| email.to_string());
            person.is_email_verified = told.email_verified().unwrap_or(false);
            let name = told.name().and_then(|name| name.get(None));
            person.name = person.name.or_else(|| first(name.map(|name| name.as_str())));
            let username = told.preferred_username();
            person.username = person
                .username
                .or_else(|| first(username.map(|name| name.as_str())));
        }
        Ok(person)
    }

    /// What the token says, if it is genuine, for us, of now and of this sign-in.
    fn claims(
        &self,
        documents: &CoreProviderMetadata,
        token: &CoreIdToken,
        nonce: &Nonce,
        tokens: &CoreTokenResponse,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let algorithms = documents
            .id_token_signing_alg_values_supported()
            .iter()
            .filter(is_public);
        let verifier: IdTokenVerifier<'_, CoreJsonWebKey> = IdTokenVerifier::new_public_client(
            ClientId::new(self.settings.client_id.clone()),
            documents.issuer().clone(),
            documents.jwks().clone(),
        )
        .set_allowed_algs(algorithms.cloned())
        .set_time_fn(|| Utc::now() - TimeDelta::seconds(SKEW));
        let claims = token.claims(&verifier, nonce)?;
        if let Some(expected) = claims.access_token_hash() {
            let other = |error: &dyn std::fmt::Display| ClaimsVerificationError::Other(error.to_string());
            let algorithm = token.signing_alg().map_err(|error| other(&error))?;
            let key = token.signing_key(&verifier).map_err(|error| other(&error))?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)
                .map_err(|error| other(&error))?;
            if actual != *expected {
                return Err(ClaimsVerificationError::Other(
                    "the access token is not the one that the ID token was made with".to_owned(),
                ));
            }
        }
        Ok(claims.clone())
    }

    fn client(&self, documents: &CoreProviderMetadata, redirect: &str) -> Result<Configured, ProviderError> {
        let redirect = RedirectUrl::new(redirect.to_owned())
            .map_err(|error| ProviderError::Answer(format!("our own address {redirect}: {error}")))?;
        let secret = self.settings.client_secret.as_ref();
        let client = CoreClient::from_provider_metadata(
            documents.clone(),
            ClientId::new(self.settings.client_id.clone()),
            secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned())),
        )
        .set_redirect_uri(redirect);
        // The header is the usual way, and what counts when the provider says nothing.
        let wants_body = documents
            .token_endpoint_auth_methods_supported()
            .is_some_and(|ways| {
                ways.contains(&CoreClientAuthMethod::ClientSecretPost)
                    && !ways.contains(&CoreClientAuthMethod::ClientSecretBasic)
            });
        Ok(if wants_body {
            client.set_auth_type(AuthType::RequestBody)
        } else {
            client
        })
    }

    /// What the provider says of itself; read anew when that is not younger than `age`.
    async fn documents(&self, age: Duration) -> Result<CoreProviderMetadata, ProviderError> {
        // Held while they are read, so that many who come at once ask once.
        let mut kept = self.documents.lock().await;
        if let Some((read_at, documents)) = kept.as_ref()
            && read_at.elapsed() < age
        {
            return Ok(documents.clone());
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone())
            .map_err(|error| ProviderError::Answer(format!("its address: {error}")))?;
        let http = self.http();
        let found = CoreProviderMetadata::discover_async(issuer, &http).await;
        let documents = found.map_err(|error| match error {
            DiscoveryError::Request(error) => ProviderError::Away(error.to_string()),
            // What a proxy in front of a provider says that is being started.
            DiscoveryError::Response(status, _, said) if status.is_server_error() => {
                ProviderError::Away(said)
            }
            error => ProviderError::Answer(words(&error)),
        })?;
        *kept = Some((Instant::now(), documents.clone()));
        Ok(documents)
    }

    fn http(&self) -> impl Fn(HttpRequest) -> Answering + use<> {
        let client = self.http.clone();
        move |request| Box::pin(answer::ask(client.clone(), request))
    }
}

/// Whether an algorithm's signatures are made with a key that the provider alone has. `none` is no
/// signature, and a shared secret could sign for either side.
fn is_public(algorithm: &&CoreJwsSigningAlgorithm) -> bool {
    algorithm.key_type().is_some() && !algorithm.uses_shared_secret()
}

/// A text of the provider's, shortened; none when nothing is in it.
fn first(text: Option<&str>) -> Option<String> {
    let text: String = text?.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// An error with everything that caused it, for the log.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
