//! What can go wrong between a client and a provider.

use std::time::Duration;

/// What is done to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answered with this status, and not executed.
    Refused {
        /// The status: 429, 500, 502, 503.
        status: u16,
        /// Seconds of its `Retry-After`, when it has one.
        retry_after: Option<u64>,
    },
    /// The connection breaks before the provider has the request.
    CutBefore,
    /// The provider executes it, and the connection breaks before the answer.
    CutAfter,
    /// The provider executes it, and the connection breaks in the middle of the answer.
    HalfAnswer,
    /// The provider executes it, and a gateway answers with this status.
    GatewayAfter(u16),
    /// The provider gets it late.
    Late(Duration),
    /// The answer comes in small pieces.
    Slow,
    /// The provider gets it twice; the first answer counts.
    Twice,
}

impl Fault {
    /// Its name in counts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused { status: 429, .. } => "429",
            Self::Refused { status: 500, .. } => "500",
            Self::Refused { .. } => "502 and 503",
            Self::CutBefore => "cut before the request",
            Self::CutAfter => "cut before the answer",
            Self::HalfAnswer => "half an answer",
            Self::GatewayAfter(_) => "done, and 502 all the same",
            Self::Late(_) => "late",
            Self::Slow => "slow",
            Self::Twice => "sent twice",
        }
    }
}

/// What is done to one WebSocket; frames are the provider's data frames, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketFault {
    /// The connection breaks in the middle of this frame.
    CutInFrame(u32),
    /// The connection is closed, politely and too early, with this code after so many frames.
    CloseAfter(u32, u16),
    /// This frame, and so all after it, come late by so much.
    Late(u32, Duration),
    /// This frame comes twice.
    Double(u32),
    /// This frame never comes.
    Missing(u32),
    /// This frame comes after the one that follows it.
    Swap(u32),
    /// Every frame comes in small pieces.
    Slow,
}

impl SocketFault {
    /// Its name in counts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CutInFrame(_) => "socket cut in a frame",
            Self::CloseAfter(..) => "socket closed too early",
            Self::Late(..) => "frames late",
            Self::Double(_) => "frame doubled",
            Self::Missing(_) => "frame missing",
            Self::Swap(_) => "frames swapped",
            Self::Slow => "frames in pieces",
        }
    }
}

/// What becomes of everything that goes through the proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is handed on, but for what the plan says.
    #[default]
    Open,
    /// No connection comes about.
    Refusing,
    /// Connections come about, and nothing is ever answered: a black hole.
    Silent,
}

/// A moment of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The provider does not have the request yet.
    Before,
    /// The provider has executed it; the client does not have the answer yet.
    After,
}
