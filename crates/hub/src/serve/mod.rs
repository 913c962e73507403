//! Serving: accepting connections, and going down without losing anything that was taken in.

mod tls;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::{
    body::Incoming,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::TlsAcceptor;

use crate::http::Peer;

pub use tls::{TlsError, acceptor};

/// How many connections there may be; more wait to be accepted.
const MOST_CONNECTIONS: usize = 4_096;
/// How long the head of a request, or the next request, may be awaited.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long encryption may take to be agreed on.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// Serves until `stop` resolves, then lets requests end, for `patience` at most.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: impl Future<Output = ()>,
    patience: Duration,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let Some((stream, peer, permit)) = accepted else { continue };
        let connection =
            Connection { router: router.clone(), peer, watcher: graceful.watcher(), _room: permit };
        match &tls {
            None => drop(tokio::spawn(connection.run(stream))),
            Some(tls) => {
                let handshake = tls.accept(stream);
                tokio::spawn(async move {
                    match tokio::time::timeout(HANDSHAKE_PATIENCE, handshake).await {
                        Ok(Ok(stream)) => connection.run(stream).await,
                        Ok(Err(error)) => tracing::debug!(%error, "encryption was not agreed on"),
                        Err(_) => tracing::debug!("encryption was not agreed on in time"),
                    }
                });
            }
        }
    }
    // Whoever comes now is refused by the system and goes to another hub, or comes again.
    drop(listener);
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // Never closed, so this only waits.
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are short; waiting to fill a packet would only delay them.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, permit))
        }
        Err(error) => {
            // Out of descriptors, most likely: connections that end give some back.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

struct Connection {
    router: Router,
    peer: SocketAddr,
    watcher: Watcher,
    _room: OwnedSemaphorePermit,
}

impl Connection {
    async fn run(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let peer = Peer(self.peer.ip());
        let router = TowerToHyperService::new(self.router);
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            router.call(request)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
