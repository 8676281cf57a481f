//! What one client may ask of the site at once and in a while, so that no
//! client takes the others' share, and what all of them together may hold in
//! memory. Who is signed in is counted as a person, everybody else by address.

mod at_once;
mod rate;
mod room;
mod sizes;

pub use at_once::{AtOnce, Inside};
pub use rate::{Rate, Standing};
pub use room::Room;
pub use sizes::{check as check_sizes, no_room_for_it};

use super::{Site, attempts::NameHash, refusal::Refusal};
use crate::connections::hold_until_sent;
use app::session::SignedIn;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use model::{HookId, User, UserId};
use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

/// How many attempts to sign in an address has.
const SIGN_INS: usize = 10;
/// How long an attempt counts.
const SIGN_INS_WINDOW: Duration = Duration::from_secs(300);
/// How many times somebody is sent to the sign-in provider from one address, which is a whole company's.
const ELSEWHERE: usize = 100;
/// How many attempts to sign in a name has, from addresses where it is not signed in.
const NAMES: usize = 30;
/// How long such an attempt counts.
const NAMES_WINDOW: Duration = Duration::from_secs(900);
/// How long a start counts.
const STARTS_WINDOW: Duration = Duration::from_secs(60);
/// How many requests of one client are answered at once, streams of events apart. A browser sends six.
const REQUESTS: usize = 32;
/// What a client whose requests were too many at once waits, in seconds.
const SOON: u64 = 1;
/// When somebody with too many streams may ask for another, in seconds.
const TOO_MANY_STREAMS_WAIT: u64 = 10;

/// The limits an operator sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Streams of events of one person at once.
    pub streams_per_person: usize,
    /// Starts of runs of one person in a minute; 0 for any number.
    pub starts_per_minute: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams_per_person: 100,
            starts_per_minute: 120,
        }
    }
}

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Somebody who is signed in.
    Person(UserId),
    /// The webhook of an agent.
    Hook(HookId),
    /// Somebody else: an address, or what one customer of an IPv6 provider has of them.
    Address(IpAddr),
}

impl Client {
    /// Whoever has this address.
    pub fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [one, two, three, four, ..] = v6.segments();
                Ipv6Addr::new(one, two, three, four, 0, 0, 0, 0).into()
            }
            v4 => v4,
        })
    }
}

/// The counts of a site.
#[derive(Debug)]
pub struct Pressure {
    /// Attempts to sign in, by address.
    pub sign_ins: Rate<Client>,
    /// Attempts to sign in through the provider, by address.
    pub elsewhere: Rate<Client>,
    /// Attempts to sign in, by name.
    pub names: Rate<NameHash>,
    /// Starts of runs, by person.
    pub starts: Rate<Client>,
    /// Streams of events, by person.
    pub streams: AtOnce<Client>,
    /// Other requests.
    requests: AtOnce<Client>,
    /// The memory for what is sent and what is fetched.
    pub room: Room<Client>,
}

impl Pressure {
    /// Nothing is counted yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            sign_ins: Rate::new("sign-in", SIGN_INS, SIGN_INS_WINDOW),
            elsewhere: Rate::new("sign-in-provider", ELSEWHERE, SIGN_INS_WINDOW),
            names: Rate::new("sign-in-name", NAMES, NAMES_WINDOW),
            starts: Rate::new("starts", limits.starts_per_minute, STARTS_WINDOW),
            streams: AtOnce::new(limits.streams_per_person),
            requests: AtOnce::new(REQUESTS),
            room: Room::default(),
        }
    }
}

/// Who asks, as the guard found out.
pub fn client(site: &Site, request: &Request) -> Client {
    match request.extensions().get::<SignedIn>() {
        Some(who) => Client::Person(who.user.id.clone()),
        _ => Client::at(super::guard::address(
            site,
            request.extensions(),
            request.headers(),
        )),
    }
}

/// One more stream of a person.
///
/// # Errors
/// When as many are open as one person may have.
pub fn stream_of(site: &Site, person: &User) -> Result<Inside<Client>, Refusal> {
    let streams = &site.pressure.streams;
    streams.enter(&Client::Person(person.id.clone())).ok_or_else(|| {
        Refusal::too_many(
            format!(
                "{} live views of yours are open, as many as one person may have. Close some, then reload this one.",
                streams.most()
            ),
            TOO_MANY_STREAMS_WAIT,
        )
    })
}

/// Whether a request goes on for as long as a run does, so that its handler counts it as a stream.
fn is_stream(request: &Request) -> bool {
    let parts: Vec<_> = request.uri().path().split('/').collect();
    match parts.as_slice() {
        ["", "api", "events"]
        | ["", "api", "agents", _, "execute" | "ws" | "interpreter"]
        | ["", "api", "agents", _, "interpreter", "ws"]
        | ["", "api", "runs", _, "events"] => true,
        ["", "api", "runs", _, "log"] | ["", "api", "v1", "runs", _, "log"] => {
            let query = request.uri().query().unwrap_or_default();
            query.split('&').any(|part| part == "follow=true")
        }
        _ => false,
    }
}

/// Refuses a client whose requests are too many at once. What goes on for long is counted by itself.
pub async fn check_requests(State(site): State<Site>, request: Request, next: Next) -> Response {
    if is_stream(&request) {
        return next.run(request).await;
    }
    match site.pressure.requests.enter(&client(&site, &request)) {
        Some(inside) => {
            let response = next.run(request).await;
            // Until its last byte is taken: what a client fetches and does not read counts too.
            hold_until_sent(response, inside)
        }
        None => Refusal::too_many(
            format!("{REQUESTS} requests of yours are being answered already, as many as may be at once. Try again in a moment."),
            SOON,
        )
        .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart_by_what_one_client_has() {
        let at = |text: &str| Client::at(text.parse().expect("an address"));
        assert_eq!(at("1.2.3.4"), at("::ffff:1.2.3.4"));
        assert_ne!(at("1.2.3.4"), at("1.2.3.5"));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
    }
}
