//! Messages over a worker's socket: a length of four bytes, and JSON.

use std::io;

use futures::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::unix::OwnedReadHalf;
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

/// What a worker is to be. With `code` it runs that and ends; without it serves
/// the cells of an interpreter context.
#[derive(Debug, Serialize)]
pub(in crate::toolbox) struct Order<'a> {
    pub cwd: &'a str,
    #[serde(serialize_with = "as_object")]
    pub env: &'a [(String, String)],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<&'a str>,
    pub argv: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'a str>,
    /// The text that collects charts, when they are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charts: Option<&'a str>,
}

fn as_object<S: serde::Serializer>(env: &&[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(env.iter().map(|(name, value)| (name, value)))
}

/// Sends one message.
pub(in crate::toolbox) async fn send(
    socket: &mut (impl AsyncWrite + Unpin),
    message: &impl Serialize,
) -> io::Result<()> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    socket.write_all(&bytes).await
}

/// The messages of a worker.
#[derive(Debug)]
pub(in crate::toolbox) struct Words(FramedRead<OwnedReadHalf, LengthDelimitedCodec>);

impl Words {
    /// None longer than `most` bytes is read.
    pub(in crate::toolbox) fn new(socket: OwnedReadHalf, most: usize) -> Self {
        let codec = LengthDelimitedCodec::builder().max_frame_length(most).new_codec();
        Self(FramedRead::new(socket, codec))
    }

    /// The next message; `None` when the worker closed its end.
    pub(in crate::toolbox) async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        match self.0.next().await {
            None => Ok(None),
            Some(Ok(bytes)) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Some(Err(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn read(bytes: &[u8]) -> Vec<io::Result<Option<serde_json::Value>>> {
        let (own, mut theirs) = tokio::net::UnixStream::pair().unwrap();
        theirs.write_all(bytes).await.unwrap();
        drop(theirs);
        let mut words = Words::new(own.into_split().0, 64);
        let mut all = Vec::new();
        loop {
            let word = words.next().await;
            let over = !matches!(word, Ok(Some(_)));
            all.push(word);
            if over {
                return all;
            }
        }
    }

    #[tokio::test]
    async fn messages_come_one_by_one_and_no_longer_than_allowed() {
        let mut bytes = Vec::new();
        send(&mut bytes, &[1, 2]).await.unwrap();
        send(&mut bytes, &"a").await.unwrap();
        let heard = read(&bytes).await;
        assert_eq!(heard.len(), 3);
        assert_eq!(heard[0].as_ref().unwrap().as_ref().unwrap()[1], 2);
        assert!(matches!(heard[2], Ok(None)));
        let mut long = Vec::new();
        send(&mut long, &"x".repeat(65)).await.unwrap();
        assert!(read(&long).await[0].is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(read(&bytes));
        }
    }
}
