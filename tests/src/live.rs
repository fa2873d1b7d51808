//! A Socket.IO client over long polling, through the router: what a browser without `WebSockets` is.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::app::Client;

/// One live connection.
pub struct Live<'a> {
    client: &'a Client<'a>,
    path: String,
    events: VecDeque<(String, Value)>,
}

impl<'a> Live<'a> {
    /// Connects as that somebody.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn connect(client: &'a Client<'a>) -> Self {
        let mut live = Self {
            client,
            path: "/socket.io/?EIO=4&transport=polling".to_owned(),
            events: VecDeque::new(),
        };
        let opened = live.get().await;
        let opened: Value = serde_json::from_str(opened.trim_start_matches('0')).expect("an opening");
        let sid = opened["sid"].as_str().expect("a session");
        live.path = format!("{}&sid={sid}", live.path);
        live.post("40").await;
        while !live.pull().await {}
        live
    }

    /// The next event of that name; others are passed over. `None` when none comes in that time.
    pub async fn next(&mut self, name: &str, within: Duration) -> Option<Value> {
        let found = async {
            loop {
                while let Some((event, payload)) = self.events.pop_front() {
                    if event == name {
                        return payload;
                    }
                }
                self.pull().await;
            }
        };
        tokio::time::timeout(within, found).await.ok()
    }

    /// Takes what has come, and answers when it was asked whether it lives; whether it was welcomed by that.
    async fn pull(&mut self) -> bool {
        let packets = self.get().await;
        let mut welcomed = false;
        for packet in packets.split('\u{1e}') {
            if packet == "2" {
                self.post("3").await;
            } else if let Some(event) = packet.strip_prefix("42") {
                let (name, payload): (String, Value) = serde_json::from_str(event).expect("an event");
                self.events.push_back((name, payload));
            } else {
                assert!(!packet.starts_with("44"), "refused: {packet}");
                welcomed |= packet.starts_with("40");
            }
        }
        welcomed
    }

    async fn get(&self) -> String {
        let request = Request::get(&self.path).body(Body::empty()).expect("a request");
        self.answer(request).await
    }

    async fn post(&self, packet: &str) {
        let request = Request::post(&self.path)
            .header("content-type", "text/plain;charset=UTF-8")
            .body(Body::from(packet.to_owned()))
            .expect("a request");
        self.answer(request).await;
    }

    async fn answer(&self, request: Request<Body>) -> String {
        let answer = self.client.send(request).await;
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(status.is_success(), "{status}: {text}");
        text
    }
}
