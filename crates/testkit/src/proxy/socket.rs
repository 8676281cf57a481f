//! A WebSocket through the proxy: what the client sends goes as it is, what
//! the provider sends goes frame by frame, but for the fault it meets.

use super::{Shared, fault::SocketFault, frame};
use bytes::{Buf, Bytes, BytesMut};
use std::{io, time::Duration};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Hands on until one side ends, the fault ends it, or all connections are cut.
pub(super) async fn splice(
    shared: &Shared,
    client: impl AsyncRead + AsyncWrite,
    provider: impl AsyncRead + AsyncWrite,
    fault: Option<SocketFault>,
) {
    let mut cuts = shared.cuts.subscribe();
    if fault == Some(SocketFault::Slow) {
        shared.injected(SocketFault::Slow.name());
    }
    let (mut from_client, to_client) = tokio::io::split(client);
    let (from_provider, mut to_provider) = tokio::io::split(provider);
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_provider) => {}
        _ = frames(shared, from_provider, to_client, fault) => {}
        _ = cuts.changed() => {}
    }
}

async fn frames(
    shared: &Shared,
    mut provider: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    fault: Option<SocketFault>,
) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(1 << 16);
    let mut held: Option<Bytes> = None;
    let mut count = 0;
    loop {
        while let Some(found) = frame::first(&buffer) {
            let bytes = buffer.split_to(found.length).freeze();
            shared.audible().await;
            if !found.is_data {
                if let Some(held) = held.take() {
                    client.write_all(&held).await?;
                }
                client.write_all(&bytes).await?;
                continue;
            }
            let number = count;
            count += 1;
            let met = fault.map_or(Met::Sent, |fault| meet(fault, number));
            // A fault that comes with every frame is one fault, counted above.
            if met != Met::Sent && met != Met::InPieces {
                shared.injected(fault.map_or("", SocketFault::name));
            }
            match met {
                Met::Sent => client.write_all(&bytes).await?,
                Met::InPieces => in_pieces(&mut client, &bytes).await?,
                Met::Late(by) => {
                    tokio::time::sleep(by).await;
                    client.write_all(&bytes).await?;
                }
                Met::Twice => {
                    client.write_all(&bytes).await?;
                    client.write_all(&bytes).await?;
                }
                Met::Never => {}
                Met::Held => {
                    held = Some(bytes);
                    continue;
                }
                Met::Cut => {
                    client.write_all(&bytes[..bytes.len() / 2]).await?;
                    return client.flush().await;
                }
                Met::Closed(code) => {
                    client.write_all(&frame::close(code)).await?;
                    return client.flush().await;
                }
            }
            if let Some(held) = held.take() {
                client.write_all(&held).await?;
            }
        }
        client.flush().await?;
        if provider.read_buf(&mut buffer).await? == 0 {
            if let Some(held) = held.take() {
                client.write_all(&held).await?;
            }
            client.write_all(&buffer).await?;
            return client.flush().await;
        }
    }
}

/// What becomes of one frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    Sent,
    InPieces,
    Late(Duration),
    Twice,
    Never,
    /// Sent after the next one.
    Held,
    Cut,
    Closed(u16),
}

fn meet(fault: SocketFault, number: u32) -> Met {
    match fault {
        SocketFault::CutInFrame(frame) if frame == number => Met::Cut,
        SocketFault::CloseAfter(frame, code) if frame == number => Met::Closed(code),
        SocketFault::Late(frame, by) if frame == number => Met::Late(by),
        SocketFault::Double(frame) if frame == number => Met::Twice,
        SocketFault::Missing(frame) if frame == number => Met::Never,
        SocketFault::Swap(frame) if frame == number => Met::Held,
        SocketFault::Slow => Met::InPieces,
        _ => Met::Sent,
    }
}

/// Writes a few bytes, lets them arrive, and goes on.
async fn in_pieces(client: &mut (impl AsyncWrite + Unpin), bytes: &Bytes) -> io::Result<()> {
    let mut rest = bytes.clone();
    let piece = rest.len().div_ceil(5).max(1);
    while rest.has_remaining() {
        let now = rest.split_to(piece.min(rest.len()));
        client.write_all(&now).await?;
        client.flush().await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
