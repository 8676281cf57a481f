//! A team with everything in it, made anew for each call because calls change
//! things, and somebody who calls.

use super::{
    super::{TestSite, request, stream::end_of_run},
    requests::{Example, Kind},
    who::Who,
};
use app::session::{SESSION_ID, TEAM_ID};
use axum::{body::Body, extract::ConnectInfo};
use http::{Request, header};
use model::{
    Agent, AgentSettings, FilePath, InstanceRole, InterpreterId, Language, Millis, NewSchedule, NewTarget,
    NewToken, Permission, Provider, RevisionId, Role, RunId, SandboxId, SandboxRecord, SandboxState,
    ScheduleId, SecretId, SignInWay, TargetId, TeamId, TokenId, UserId, WebhookEvent,
};
use sqlx::Executor as _;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use store::Pools;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower_sessions::{
    SessionStore as _,
    cookie::time::{Duration as Span, OffsetDateTime},
    session::{Id, Record},
};

/// Everybody's password.
pub const PASSWORD: &str = "correct-horse-battery";
/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(60);
/// How much of an answer is looked through.
const MOST: usize = 8 << 20;

/// What all calls have in common.
#[derive(Clone)]
pub struct Ground {
    site: crate::site::Site,
    router: axum::Router,
    password_hash: String,
    address: SocketAddr,
    count: Arc<AtomicU32>,
}

/// What came back.
pub struct Answered {
    pub status: u16,
    pub location: String,
    /// Whether it says when to try again: then it is about room, and not about who asks.
    pub is_busy: bool,
    pub body: String,
}

/// A team with an agent, a run that ended, a secret, a token, a sandbox and three people.
pub struct World {
    ground: Ground,
    number: u32,
    pub team: TeamId,
    pub owner_name: String,
    pub agent: Agent,
    pub run: RunId,
    pub revision: RevisionId,
    pub secret: SecretId,
    pub token: TokenId,
    pub sandbox: SandboxId,
    pub schedule: ScheduleId,
    pub target: TargetId,
    pub delivery: String,
    pub interpreter: InterpreterId,
    /// A viewer of the team.
    pub colleague: UserId,
    /// Somebody who is not in it.
    pub stranger_name: String,
}

impl Ground {
    /// Over this site, which is served on a port too: a WebSocket needs a connection.
    pub async fn new(site: &TestSite) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let served = site
            .router
            .clone()
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, served).await });
        Self {
            site: site.site.clone(),
            router: site.router.clone(),
            password_hash: app::password::hash(PASSWORD.to_owned()).await.expect("a hash"),
            address,
            count: Arc::default(),
        }
    }

    async fn person(&self, name: &str, role: InstanceRole) -> UserId {
        let hash = Some(self.password_hash.clone());
        let made = self.site.services.store.create_user(name, role, hash).await;
        made.expect("an account").id
    }

    /// A team of its own.
    pub async fn world(&self) -> World {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let store = &self.site.services.store;
        let mark = format!("marked{number}x");
        let owner_name = format!("{mark} owner");
        let owner = self.person(&owner_name, InstanceRole::Person).await;
        let team = store
            .create_team(&format!("{mark} team"), &owner)
            .await
            .expect("a team")
            .id;
        let colleague = self
            .person(&format!("{mark} colleague"), InstanceRole::Person)
            .await;
        let taken_in = store
            .add_member(&team, Role::Owner, &colleague, Role::Viewer)
            .await;
        taken_in.expect("taken in");
        let stranger_name = format!("stranger {number}");
        self.person(&stranger_name, InstanceRole::Person).await;
        let settings = AgentSettings::new(&format!("Agent {number}"), &mark, Language::Python);
        let file = (
            FilePath::parse("agent.py").expect("a path"),
            format!("# {mark}\n").into_bytes(),
        );
        let agent = store
            .create_agent(&team, &owner, &settings, &[file])
            .await
            .expect("an agent");
        let run = end_of_run(&self.site, &agent, &[(model::LogStream::Stdout, mark.as_bytes())]).await;
        let secret = SecretId::generate();
        let name = mark.to_uppercase();
        store
            .create_secret(&team, &owner, &secret, &name, "sealed")
            .await
            .expect("a secret");
        let sandbox = self.sandbox(&agent).await;
        let interpreter = self.interpreter(&agent, &owner).await;
        let token = self.token(&team, &owner, &mark).await.0;
        let (schedule, target, delivery) = self.by_themselves(&agent, &mark).await;
        World {
            ground: self.clone(),
            number,
            team,
            owner_name,
            agent,
            run: run.id,
            revision: run.revision,
            secret,
            token,
            sandbox,
            schedule,
            target,
            delivery,
            interpreter,
            colleague,
            stranger_name,
        }
    }

    /// What starts the agent by itself, and who is told of it.
    async fn by_themselves(&self, agent: &Agent, mark: &str) -> (ScheduleId, TargetId, String) {
        let (store, runs) = (&self.site.services.store, &self.site.services.runs);
        let said = NewSchedule {
            name: mark.to_owned(),
            cron: "@yearly".to_owned(),
            zone: "UTC".to_owned(),
            missed: model::MissedPolicy::Skip,
            overlap: model::OverlapPolicy::Skip,
        };
        let schedule = runs.create_schedule(&agent.id, &agent.owner, said).await;
        runs.create_hook(&agent.id, &agent.owner)
            .await
            .expect("a webhook");
        let said = NewTarget {
            url: format!("https://{mark}.invalid/"),
            events: WebhookEvent::ALL.to_vec(),
        };
        let target = runs.create_target(&agent.team, said).await.expect("an address").0;
        let data = serde_json::json!({});
        let told = store
            .announce(&agent.team, WebhookEvent::BudgetWarning, mark, &data)
            .await;
        told.expect("announced");
        let sent = store
            .list_deliveries(&agent.team, None, None, 1)
            .await
            .expect("deliveries");
        (schedule.expect("a schedule").id, target.id, sent[0].id.clone())
    }

    async fn sandbox(&self, agent: &Agent) -> SandboxId {
        let record = SandboxRecord {
            id: SandboxId::generate(),
            provider: Provider::Embedded,
            provider_id: Some("gone".to_owned()),
            agent: agent.id.clone(),
            run: None,
            state: SandboxState::Deleting,
            resources: model::Resources::default(),
            created_at: Millis::now(),
            used_at: Millis::now(),
            expires_at: None,
        };
        let server = store::Replica {
            id: "elsewhere".to_owned(),
            name: "elsewhere".to_owned(),
            // The reaper of this server leaves it alone.
            instance: "elsewhere".to_owned(),
            lease: Duration::from_secs(60),
        };
        let intended = self
            .site
            .services
            .store
            .intend_sandbox(&record, &server, None)
            .await;
        intended.expect("a row");
        record.id
    }

    async fn interpreter(&self, agent: &Agent, person: &UserId) -> InterpreterId {
        let new = store::NewInterpreter {
            id: InterpreterId::generate(),
            agent: agent.id.clone(),
            person: person.clone(),
            sandbox: SandboxId::generate(),
            created_at: Millis::now(),
            expires_at: Millis(i64::MAX),
        };
        let limits = store::InterpreterLimits {
            of_one_person: 1,
            of_one_team: 1,
        };
        let server = store::Replica {
            id: "elsewhere".to_owned(),
            name: "elsewhere".to_owned(),
            instance: "elsewhere".to_owned(),
            lease: Duration::from_secs(60),
        };
        let store = &self.site.services.store;
        let opened = store.open_interpreter(&new, limits, &server).await;
        assert_eq!(opened.expect("an answer"), store::Admission::Admitted);
        new.id
    }

    async fn token(&self, team: &TeamId, user: &UserId, name: &str) -> (TokenId, String) {
        let new = NewToken {
            name: name.to_owned(),
            scopes: Permission::ALL.to_vec(),
            days: None,
        };
        let made = runs::tokens::create(&self.site.services.store, team, user, new).await;
        let (token, text) = made.expect("a token");
        (token.id, text)
    }

    async fn expire(&self, token: &TokenId) {
        let Pools::Sqlite(pool) = self.site.services.store.pools() else {
            panic!("these tests are on SQLite")
        };
        let over = sqlx::query("update tokens set expires_at = 1 where id = $1").bind(token.as_str());
        pool.execute(over).await.expect("expired");
    }

    /// A session of this person in this team; the cookie.
    async fn session(&self, user: &UserId, team: &TeamId, is_over: bool) -> String {
        let store = &self.site.services.store;
        let session = store.create_account_session(user, SignInWay::Password, "test", "127.0.0.1");
        let session = session.await.expect("a session");
        let lasts = if is_over { Span::seconds(-5) } else { Span::days(1) };
        let mut record = Record {
            id: Id::default(),
            data: [
                (SESSION_ID.to_owned(), serde_json::json!(session)),
                (TEAM_ID.to_owned(), serde_json::json!(team)),
            ]
            .into(),
            expiry_date: OffsetDateTime::now_utc() + lasts,
        };
        self.site.sessions.create(&mut record).await.expect("a session");
        format!("pitlane={}", record.id)
    }
}

impl World {
    /// What only the team's people may see.
    pub fn mark(&self) -> String {
        format!("marked{}x", self.number)
    }

    /// What they are known by: the name and the value of a header.
    async fn credential(&self, who: Who, with_token: bool) -> Option<(&'static str, String)> {
        let ground = &self.ground;
        let store = &ground.site.services.store;
        let role = match who {
            Who::Nobody => return None,
            Who::Instance => InstanceRole::Owner,
            _ => InstanceRole::Person,
        };
        let user = ground.person(&format!("caller {}", self.number), role).await;
        let mut acts_in = self.team.clone();
        if let Some(role) = who.role() {
            let taken_in = store.add_member(&self.team, Role::Owner, &user, role).await;
            taken_in.expect("taken in");
        } else if who == Who::Elsewhere {
            let name = format!("Elsewhere {}", self.number);
            acts_in = store.create_team(&name, &user).await.expect("a team").id;
        }
        if !with_token {
            let is_over = who == Who::Expired;
            return Some(("cookie", ground.session(&user, &self.team, is_over).await));
        }
        let (id, text) = ground.token(&acts_in, &user, "all").await;
        if who == Who::Expired {
            ground.expire(&id).await;
        }
        Some(("authorization", format!("Bearer {text}")))
    }

    /// Sends it.
    pub async fn send(&self, who: Who, example: &Example, with_token: bool) -> Answered {
        let credential = self.credential(who, with_token).await;
        let credential = credential.as_ref().map(|(name, value)| (*name, value.as_str()));
        let answered = async {
            match example.kind {
                Kind::Socket => self.open(example, credential).await,
                _ => self.ask(example, credential).await,
            }
        };
        let within = tokio::time::timeout(WITHIN, answered).await;
        within.unwrap_or_else(|_| {
            panic!(
                "{} {} as {}: no answer",
                example.method,
                example.path,
                who.column()
            )
        })
    }

    async fn ask(&self, example: &Example, credential: Option<(&str, &str)>) -> Answered {
        use tower::ServiceExt as _;
        let mut asked = request(&example.method, &example.path)
            .header("sec-fetch-site", "same-origin")
            .header("prefer", "respond-async");
        if let Some((name, value)) = credential {
            asked = asked.header(name, value);
        }
        match example.kind {
            Kind::Form => asked = asked.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
            Kind::Json => asked = asked.header(header::CONTENT_TYPE, "application/json"),
            Kind::Plain | Kind::Socket => {}
        }
        if !example.body.is_empty() {
            // As clients do: without it, room for the largest body is held.
            asked = asked.header(header::CONTENT_LENGTH, example.body.len());
        }
        let mut asked: Request<Body> = asked.body(Body::from(example.body.clone())).expect("a request");
        // Everybody from an address of their own: addresses are counted too.
        let address = Ipv4Addr::from(0x0a00_0000 + self.number);
        asked
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::from((address, 9))));
        let answer = self
            .ground
            .router
            .clone()
            .oneshot(asked)
            .await
            .expect("an answer");
        let (parts, body) = answer.into_parts();
        let text = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let is_endless = text(header::CONTENT_TYPE).starts_with("text/event-stream");
        let body = if is_endless {
            Vec::new()
        } else {
            axum::body::to_bytes(body, MOST).await.expect("a body").to_vec()
        };
        Answered {
            status: parts.status.as_u16(),
            location: text(header::LOCATION).to_owned(),
            is_busy: !text(header::RETRY_AFTER).is_empty(),
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// Begins a WebSocket over a connection; the first line of the answer says whether it was let in.
    async fn open(&self, example: &Example, credential: Option<(&str, &str)>) -> Answered {
        let mut connection = tokio::net::TcpStream::connect(self.ground.address)
            .await
            .expect("connected");
        let credential = credential.map_or(String::new(), |(name, value)| format!("{name}: {value}\r\n"));
        let asked = format!(
            "{} {} HTTP/1.1\r\nhost: localhost:3000\r\nsec-fetch-site: same-origin\r\n{credential}\
             connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            example.method, example.path
        );
        connection.write_all(asked.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = connection.read(&mut piece).await.expect("read");
            assert!(read > 0, "it ended: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&piece[..read]);
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
        Answered {
            status: status.expect("a status"),
            location: String::new(),
            is_busy: false,
            body: answer,
        }
    }
}
