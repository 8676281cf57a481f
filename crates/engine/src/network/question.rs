//! A question for a name, as it comes in the name system's packets, and its
//! answer.

use std::net::IpAddr;

use smoltcp::wire::{DnsFlags, DnsOpcode, DnsPacket, DnsQueryType, DnsQuestion, DnsRcode};

use super::refusal::Refusal;

const HEADER: usize = 12;
/// How long programs may keep an answer, in seconds.
const KEPT: u32 = 30;
/// The name of the question, in the answer's records.
const NAME_ABOVE: [u8; 2] = [0xc0, 12];
const CLASS_INTERNET: [u8; 2] = [0, 1];

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    number: u16,
    recursion: bool,
    /// The question's own bytes, repeated in the answer.
    bytes: Vec<u8>,
    asked: Asked,
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Addresses {
        name: String,
        kind: DnsQueryType,
    },
    /// Something about a name that the host's resolver does not tell.
    Other,
    /// Nothing that can be read.
    Unreadable,
}

/// What is known about the name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Addresses(Vec<IpAddr>),
    /// It leads nowhere, or nowhere that is allowed.
    NoSuchName,
    /// It could not be found out.
    Failed,
    /// Only addresses are told here.
    Unknown,
}

impl Answer {
    /// What a look-up that failed says of the name.
    pub(super) fn of(refusal: &Refusal) -> Self {
        match refusal {
            // The standard library keeps the resolver's words and not its code.
            Refusal::Unreachable(error)
                if ["emporary failure", "ry again"]
                    .iter()
                    .any(|words| error.to_string().contains(words)) =>
            {
                Self::Failed
            }
            Refusal::Silent => Self::Failed,
            _ => Self::NoSuchName,
        }
    }
}

impl Question {
    /// Reads a packet; `None` when nothing can be answered to it.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let packet = DnsPacket::new_checked(bytes).ok()?;
        if packet.flags().contains(DnsFlags::RESPONSE) {
            return None;
        }
        let mut question = Self {
            number: packet.transaction_id(),
            recursion: packet.flags().contains(DnsFlags::RECURSION_DESIRED),
            bytes: Vec::new(),
            asked: Asked::Unreadable,
        };
        if packet.opcode() != DnsOpcode::Query || packet.question_count() != 1 {
            return Some(question);
        }
        let Ok((rest, asked)) = DnsQuestion::parse(packet.payload()) else {
            return Some(question);
        };
        let mut labels = Vec::new();
        for label in packet.parse_name(asked.name) {
            let label = label.ok().and_then(|label| std::str::from_utf8(label).ok());
            // A dot inside a label would make it another name.
            let Some(label) = label.filter(|label| !label.contains('.')) else {
                return Some(question);
            };
            labels.push(label);
        }
        let length = packet.payload().len() - rest.len();
        question.bytes = packet.payload()[..length].to_vec();
        question.asked = match asked.type_ {
            DnsQueryType::A | DnsQueryType::Aaaa if !labels.is_empty() => Asked::Addresses {
                name: labels.join("."),
                kind: asked.type_,
            },
            _ => Asked::Other,
        };
        Some(question)
    }

    /// The name whose addresses are asked for.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.asked {
            Asked::Addresses { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The packet of an answer, cut to a length.
    pub(super) fn answer(&self, answer: &Answer, longest: usize) -> Vec<u8> {
        let code = match (&self.asked, answer) {
            (Asked::Unreadable, _) => DnsRcode::FormErr,
            (Asked::Other, _) | (_, Answer::Unknown) => DnsRcode::NotImp,
            (_, Answer::Addresses(_)) => DnsRcode::NoError,
            (_, Answer::NoSuchName) => DnsRcode::NXDomain,
            (_, Answer::Failed) => DnsRcode::ServFail,
        };
        let mut packet = vec![0; HEADER];
        packet.extend_from_slice(&self.bytes);
        let mut count = 0u16;
        let mut is_cut = false;
        if let (Asked::Addresses { kind, .. }, Answer::Addresses(addresses)) = (&self.asked, answer) {
            for address in addresses {
                let data = match (kind, address) {
                    (DnsQueryType::A, IpAddr::V4(address)) => address.octets().to_vec(),
                    (DnsQueryType::Aaaa, IpAddr::V6(address)) => address.octets().to_vec(),
                    _ => continue,
                };
                if packet.len() + 12 + data.len() > longest {
                    is_cut = true;
                    break;
                }
                packet.extend_from_slice(&NAME_ABOVE);
                packet.extend_from_slice(&u16::from(*kind).to_be_bytes());
                packet.extend_from_slice(&CLASS_INTERNET);
                packet.extend_from_slice(&KEPT.to_be_bytes());
                packet.extend_from_slice(&u16::try_from(data.len()).unwrap_or(0).to_be_bytes());
                packet.extend_from_slice(&data);
                count += 1;
            }
        }
        let mut flags = DnsFlags::RESPONSE | DnsFlags::RECURSION_AVAILABLE;
        flags.set(DnsFlags::RECURSION_DESIRED, self.recursion);
        flags.set(DnsFlags::TRUNCATED, is_cut);
        let flags = flags.bits() | u16::from(u8::from(code));
        packet[..2].copy_from_slice(&self.number.to_be_bytes());
        packet[2..4].copy_from_slice(&flags.to_be_bytes());
        packet[4..6].copy_from_slice(&u16::from(!self.bytes.is_empty()).to_be_bytes());
        packet[6..8].copy_from_slice(&count.to_be_bytes());
        packet
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use smoltcp::wire::{DnsRecord, DnsRecordData};

    use super::*;

    fn packet(name: &str, kind: u16) -> Vec<u8> {
        let mut bytes = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            bytes.push(u8::try_from(label.len()).unwrap());
            bytes.extend_from_slice(label.as_bytes());
        }
        bytes.push(0);
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&CLASS_INTERNET);
        bytes
    }

    fn code(answer: &[u8]) -> u8 {
        answer[3] & 0xf
    }

    #[test]
    fn addresses_of_the_asked_kind_are_told() {
        let question = Question::read(&packet("a.example", 1)).unwrap();
        assert_eq!(question.name(), Some("a.example"));
        let known = Answer::Addresses(vec!["1.2.3.4".parse().unwrap(), "2606::1".parse().unwrap()]);
        let bytes = question.answer(&known, 512);
        let packet = DnsPacket::new_checked(&bytes[..]).unwrap();
        assert_eq!(
            (packet.transaction_id(), packet.answer_record_count()),
            (0x1234, 1)
        );
        let (rest, _) = DnsQuestion::parse(packet.payload()).unwrap();
        let (rest, record) = DnsRecord::parse(rest).unwrap();
        assert!(rest.is_empty());
        assert_eq!(record.data, DnsRecordData::A("1.2.3.4".parse().unwrap()));
        let none = Question::read(&self::packet("a.example", 28)).unwrap();
        assert_eq!(code(&none.answer(&Answer::Addresses(Vec::new()), 512)), 0);
    }

    #[test]
    fn long_answers_are_cut_and_say_so() {
        let question = Question::read(&packet("a.example", 1)).unwrap();
        let many = Answer::Addresses((0..100u8).map(|last| [1, 1, 1, last].into()).collect());
        let cut = question.answer(&many, 512);
        assert!(cut.len() <= 512 && cut[2] & 2 != 0);
        let whole = question.answer(&many, 65_535);
        assert!(whole.len() > 1600 && whole[2] & 2 == 0);
    }

    #[test]
    fn what_cannot_be_told_has_its_code() {
        let question = Question::read(&packet("a.example", 1)).unwrap();
        assert_eq!(code(&question.answer(&Answer::NoSuchName, 512)), 3);
        assert_eq!(code(&question.answer(&Answer::Failed, 512)), 2);
        let other = Question::read(&packet("a.example", 16)).unwrap();
        assert_eq!(
            (other.name(), code(&other.answer(&Answer::Unknown, 512))),
            (None, 4)
        );
        let mut two = packet("a.example", 1);
        two[5] = 2;
        assert_eq!(
            code(&Question::read(&two).unwrap().answer(&Answer::Unknown, 512)),
            1
        );
        let hidden = packet("a\u{0}b", 1);
        assert_eq!(
            Question::read(&hidden).unwrap().name(),
            Some("a\u{0}b"),
            "refused as no name of a host"
        );
        let mut dotted = packet("aXexample", 1);
        dotted[14] = b'.';
        assert_eq!(Question::read(&dotted).unwrap().name(), None);
        let mut answer = packet("a.example", 1);
        answer[2] = 0x80;
        assert_eq!(Question::read(&answer), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_within_the_length(
            bytes in prop::collection::vec(any::<u8>(), 0..600), looks_well in any::<bool>()
        ) {
            let mut bytes = bytes;
            if looks_well && bytes.len() > 12 {
                bytes[2..6].copy_from_slice(&[1, 0, 0, 1]);
            }
            if let Some(question) = Question::read(&bytes) {
                let answer = question.answer(&Answer::Addresses(vec![[1, 2, 3, 4].into()]), 512);
                prop_assert!(answer.len() <= 512.max(bytes.len()));
            }
        }
    }
}
