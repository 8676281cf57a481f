//! The gate of one sandbox: every name and every address that its programs want
//! passes here, whichever way they came.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use super::bound::NetworkBound;
use super::domains;
use super::names::Names;
use super::plan::HOST;
use super::refusal::Refusal;
use super::wish::NetworkWish;

/// How long the host's resolver may take.
const LOOK_UP_TIME: Duration = Duration::from_secs(10);
/// Look-ups of one sandbox at the same time; each holds a thread.
const LOOK_UPS: usize = 8;
/// Look-ups of all sandboxes at the same time.
static ALL_LOOK_UPS: Semaphore = Semaphore::const_new(64);

/// What one sandbox may reach now.
#[derive(Debug)]
pub(crate) struct Gate {
    bound: Arc<NetworkBound>,
    wish: watch::Sender<NetworkWish>,
    names: Mutex<Names>,
    look_ups: Arc<Semaphore>,
}

/// A way that was allowed when it was taken, to be looked at again when the
/// rules change.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    names: Vec<String>,
    shown: SocketAddr,
    /// Where it really leads.
    pub(crate) target: SocketAddr,
}

impl Gate {
    pub(crate) fn new(bound: Arc<NetworkBound>, wish: NetworkWish) -> Arc<Self> {
        Arc::new(Self {
            bound,
            wish: watch::Sender::new(wish),
            names: Mutex::default(),
            look_ups: Arc::new(Semaphore::new(LOOK_UPS)),
        })
    }

    /// Changes what the sandbox asks for: at once for what is new, and ways
    /// that are not allowed any more are cut.
    pub(crate) fn set(&self, wish: NetworkWish) {
        self.wish.send_if_modified(|current| {
            let changed = *current != wish;
            *current = wish;
            changed
        });
    }

    fn names(&self) -> std::sync::MutexGuard<'_, Names> {
        // Nothing in here panics between two changes that belong together.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an address, as the sandbox names it, may be connected to under
    /// the names that led to it.
    pub(crate) fn judge(&self, names: Vec<String>, shown: SocketAddr) -> Result<Way, Refusal> {
        let target = match shown.ip() {
            IpAddr::V4(HOST) => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), shown.port()),
            other => SocketAddr::new(other.to_canonical(), shown.port()),
        };
        self.wish.borrow().judge(&names, shown.ip())?;
        self.bound.judge(&names, target.ip(), Some(target.port()))?;
        Ok(Way { names, shown, target })
    }

    /// The same for an address alone: the names are those it was looked up by.
    pub(crate) fn judge_address(&self, shown: SocketAddr) -> Result<Way, Refusal> {
        let names = self.names().of(shown.ip(), Instant::now());
        self.judge(names, shown)
    }

    /// Waits until a way is not allowed any more.
    pub(crate) async fn until_forbidden(&self, way: &Way) {
        let mut changes = self.wish.subscribe();
        loop {
            let judged = self.judge(way.names.clone(), way.shown);
            if judged.is_err_and(|refusal| refusal.is_decided()) {
                return;
            }
            if changes.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Looks a name up with the host's resolver, when that is allowed, and
    /// remembers what it leads to.
    pub(crate) async fn look_up(&self, name: &str) -> Result<(String, Vec<IpAddr>), Refusal> {
        let name = domains::usual(name).ok_or(Refusal::NoName)?;
        {
            let wish = self.wish.borrow();
            if wish.is_nothing() {
                return Err(Refusal::Off);
            }
            if !wish.may_look_up(&name) {
                return Err(Refusal::BeyondWish);
            }
        }
        if !self.bound.may_look_up(&name) {
            return Err(Refusal::BeyondBound);
        }
        let addresses = tokio::time::timeout(LOOK_UP_TIME, self.resolve(name.clone()))
            .await
            .map_err(|_| Refusal::Silent)??;
        let now = Instant::now();
        let mut names = self.names();
        for address in &addresses {
            names.remember(*address, &name, now);
        }
        drop(names);
        Ok((name, addresses))
    }

    /// The addresses of a name, as the sandbox is told them: only those it may
    /// connect to, at some port at least.
    pub(crate) async fn find(&self, name: &str) -> Result<Vec<IpAddr>, Refusal> {
        let (name, addresses) = self.look_up(name).await?;
        let names = [name];
        let mut last = Refusal::NoName;
        let mut found = Vec::new();
        for address in addresses {
            let shown = if address == IpAddr::V4(Ipv4Addr::LOCALHOST) {
                IpAddr::V4(HOST)
            } else {
                address
            };
            let judged = self
                .wish
                .borrow()
                .judge(&names, shown)
                .and_then(|()| self.bound.judge(&names, address, None));
            match judged {
                Ok(()) => found.push(shown),
                Err(refusal) => last = refusal,
            }
        }
        if found.contains(&IpAddr::V4(HOST)) {
            self.names().remember(HOST.into(), &names[0], Instant::now());
        }
        if found.is_empty() { Err(last) } else { Ok(found) }
    }

    async fn resolve(&self, name: String) -> Result<Vec<IpAddr>, Refusal> {
        let closed = |_| Refusal::Silent;
        let own = Arc::clone(&self.look_ups).acquire_owned().await.map_err(closed)?;
        let shared = ALL_LOOK_UPS.acquire().await.map_err(closed)?;
        let asked = tokio::task::spawn_blocking(move || {
            // Held for as long as the thread is, also when nobody waits any more.
            let _places = (own, shared);
            (name.as_str(), 0).to_socket_addrs()
        });
        let mut addresses: Vec<IpAddr> = asked
            .await
            .map_err(|error| Refusal::Unreachable(error.into()))?
            .map_err(Refusal::Unreachable)?
            .map(|address| address.ip().to_canonical())
            .collect();
        let mut seen = std::collections::HashSet::new();
        addresses.retain(|address| seen.insert(*address));
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(bound: &str, domains: Option<&str>) -> Arc<Gate> {
        let wish = NetworkWish::parse(false, None, domains).unwrap();
        Gate::new(Arc::new(bound.parse().unwrap()), wish)
    }

    #[tokio::test]
    async fn the_hosts_loopback_has_an_address_of_its_own() {
        let gate = gate("127.0.0.1:8080", None);
        let way = gate.judge_address("10.0.2.2:8080".parse().unwrap()).unwrap();
        assert_eq!(way.target, "127.0.0.1:8080".parse().unwrap());
        assert!(gate.judge_address("10.0.2.2:8081".parse().unwrap()).is_err());
    }

    #[tokio::test]
    async fn an_address_is_known_by_the_name_it_was_looked_up_by() {
        let gate = gate("127.0.0.1:80", Some("localhost"));
        assert!(gate.judge_address("127.0.0.1:80".parse().unwrap()).is_err());
        let (name, addresses) = gate.look_up("LocalHost.").await.unwrap();
        assert_eq!(name, "localhost");
        assert!(addresses.contains(&Ipv4Addr::LOCALHOST.into()), "{addresses:?}");
        assert!(gate.judge_address("127.0.0.1:80".parse().unwrap()).is_ok());
    }

    #[tokio::test]
    async fn a_name_of_the_host_leads_to_its_listed_address_or_nowhere() {
        let found = gate("127.0.0.1:8080", None).find("localhost").await.unwrap();
        assert_eq!(found, [IpAddr::V4(HOST)]);
        let refused = gate("open", None).find("localhost").await;
        assert!(matches!(refused, Err(Refusal::NotPublic)), "{refused:?}");
    }

    #[tokio::test]
    async fn what_may_not_be_looked_up_is_not() {
        let gate = gate("open", Some("a.example"));
        assert!(matches!(
            gate.look_up("b.example").await,
            Err(Refusal::BeyondWish)
        ));
        assert!(matches!(gate.look_up("a b").await, Err(Refusal::NoName)));
        gate.set(NetworkWish::nothing());
        assert!(matches!(gate.look_up("a.example").await, Err(Refusal::Off)));
        let listed = self::gate("x.example", None);
        assert!(matches!(
            listed.look_up("a.example").await,
            Err(Refusal::BeyondBound)
        ));
    }

    #[tokio::test]
    async fn a_change_of_the_rules_cuts_what_they_forbid() {
        let gate = gate("127.0.0.1:80,127.0.0.1:81", None);
        let way = gate.judge_address("10.0.2.2:80".parse().unwrap()).unwrap();
        let waiting = {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.until_forbidden(&way).await })
        };
        gate.set(NetworkWish::parse(false, Some("10.0.2.0/24"), None).unwrap());
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!waiting.is_finished());
        gate.set(NetworkWish::parse(false, Some("10.9.0.0/16"), None).unwrap());
        tokio::time::timeout(Duration::from_secs(10), waiting)
            .await
            .unwrap()
            .unwrap();
    }
}
