use std::future::poll_fn;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::AppState;

/// Lets what Socket.IO starts for a connection run where [`pump`](super::pump) runs, on one thread: a socket's task then begins when
/// the whole burst of events has been handed to all of them, and writes it in one go. With a second thread it would begin at the
/// first event of the burst, and write again for those that follow.
pub async fn with_the_pump(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/socket.io") {
        return next.run(request).await;
    }
    let mut answer = Box::pin(next.run(request));
    poll_fn(|context| {
        let _there = state.sockets.enter();
        answer.as_mut().poll(context)
    })
    .await
}
