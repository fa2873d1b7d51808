//! A client of the live events: Socket.IO (protocol 5) over Engine.IO's long polling, through the router.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::app::Client;

/// Between the packets of one answer.
const RECORD: char = '\u{1e}';

/// A connection that is open, or was.
pub struct Socket<'a> {
    client: &'a Client<'a>,
    path: String,
    /// What has come, in its order: name and payload.
    pub events: Vec<(String, Value)>,
    /// Whether the other side has ended it.
    pub ended: bool,
}

impl Client<'_> {
    /// Opens a connection of the live events as this somebody, with a token in the handshake when given.
    ///
    /// # Errors
    /// What the server says when it refuses.
    ///
    /// # Panics
    /// When the server does not speak the protocol.
    pub async fn socket(&self, token: Option<&str>) -> Result<Socket<'_>, String> {
        let opened = self
            .raw("GET", "/socket.io/?EIO=4&transport=polling", &[], Body::empty())
            .await;
        if opened.status != StatusCode::OK {
            return Err(format!("{} {}", opened.status, opened.code()));
        }
        let text = String::from_utf8_lossy(&opened.bytes).into_owned();
        let hello: Value = serde_json::from_str(text.strip_prefix('0').expect("an opening")).expect("JSON");
        let sid = hello["sid"].as_str().expect("an id");
        let mut socket = Socket {
            client: self,
            path: format!("/socket.io/?EIO=4&transport=polling&sid={sid}"),
            events: Vec::new(),
            ended: false,
        };
        let auth = token.map(|token| json!({"token": token}).to_string());
        socket.send(format!("40{}", auth.unwrap_or_default())).await;
        let mut connected = false;
        while !connected {
            for packet in socket.packets().await.ok_or("ended")? {
                match packet.get(..2) {
                    Some("40") => connected = true,
                    Some("44") => return Err(packet[2..].to_owned()),
                    _ => socket.take(&packet).await,
                }
            }
        }
        Ok(socket)
    }
}

impl Socket<'_> {
    /// Waits for an event that is as wanted; the events before it are kept too.
    ///
    /// # Panics
    /// When it does not come within ten seconds, or the connection ends.
    pub async fn until(&mut self, wanted: impl Fn(&str, &Value) -> bool) -> Value {
        let looked = tokio::time::timeout(Duration::from_secs(10), async {
            let mut seen = 0;
            loop {
                while let Some((name, payload)) = self.events.get(seen) {
                    if wanted(name, payload) {
                        return payload.clone();
                    }
                    seen += 1;
                }
                let packets = self.packets().await.expect("an open connection");
                for packet in packets {
                    self.take(&packet).await;
                }
            }
        })
        .await;
        looked.unwrap_or_else(|_| panic!("it did not come among {:?}", self.names()))
    }

    /// Waits for the end of the connection.
    ///
    /// # Panics
    /// When it goes on for ten seconds.
    pub async fn until_ended(&mut self) {
        let ended = tokio::time::timeout(Duration::from_secs(10), async {
            while !self.ended {
                match self.packets().await {
                    Some(packets) => {
                        for packet in packets {
                            self.take(&packet).await;
                        }
                    }
                    None => self.ended = true,
                }
            }
        })
        .await;
        assert!(ended.is_ok(), "the connection goes on");
    }

    /// The names of what has come.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.events.iter().map(|(name, _)| name.as_str()).collect()
    }

    async fn send(&self, packet: String) {
        let typed = [("content-type", "text/plain;charset=UTF-8")];
        let sent = self.client.raw("POST", &self.path, &typed, packet).await;
        assert!(sent.status.is_success(), "{sent:?}");
    }

    /// The packets of one poll; `None` when the connection is gone.
    async fn packets(&self) -> Option<Vec<String>> {
        let polled = self.client.raw("GET", &self.path, &[], Body::empty()).await;
        if polled.status != StatusCode::OK {
            return None;
        }
        let text = String::from_utf8_lossy(&polled.bytes).into_owned();
        Some(text.split(RECORD).map(ToOwned::to_owned).collect())
    }

    async fn take(&mut self, packet: &str) {
        match packet.get(..1) {
            Some("2") => self.send("3".to_owned()).await,
            Some("1") => self.ended = true,
            _ => {}
        }
        if packet.starts_with("41") {
            self.ended = true;
        }
        if let Some(text) = packet.strip_prefix("42") {
            let event: (String, Value) = serde_json::from_str(text).expect("an event with one payload");
            self.events.push(event);
        }
    }
}
