use std::sync::PoisonError;

use imagefleet_model::{Clock as _, Failure, SystemClock, retry_after};
use reqwest::{Response, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use super::RegistryClient;
use super::access::Challenge;

/// No answer that we read whole is larger; nobody sends us a gigabyte of names.
const LARGEST: usize = 8 * 1024 * 1024;

impl RegistryClient {
    /// `GET` below the registry's address, logged in when it asks for that. Any status but 401 is an answer.
    pub(super) async fn get(&self, path: &str, accept: &str, scope: &str) -> Result<Response, Failure> {
        let url = self
            .base
            .join(path)
            .map_err(|_| self.no_registry("a link of it cannot be followed"))?;
        let known = self
            .headers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(scope)
            .cloned();
        let response = self.send(&url, accept, known.as_ref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let Some(challenge) = Challenge::of(&response) else {
            return Err(self.no_registry("it asks for a login of an unknown kind"));
        };
        let header = self.answer(challenge, scope).await?;
        let response = self.send(&url, accept, Some(&header)).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let body = self.body(response, LARGEST).await?;
            return Err(self.refused(StatusCode::UNAUTHORIZED, None, &body));
        }
        self.headers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(scope.to_owned(), header);
        Ok(response)
    }

    async fn send(
        &self,
        url: &Url,
        accept: &str,
        authorization: Option<&SecretString>,
    ) -> Result<Response, Failure> {
        let mut request = self.http.get(url.clone()).header(header::ACCEPT, accept);
        // A link may lead elsewhere; the account does not go along.
        if let Some(value) = authorization.filter(|_| url.origin() == self.base.origin()) {
            request = request.header(header::AUTHORIZATION, value.expose_secret());
        }
        request.send().await.map_err(|error| self.no_answer(error))
    }

    /// The JSON of an answer that went well, and where its next page is.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        response: Response,
    ) -> Result<(T, Option<String>), Failure> {
        let next = next_page(&response);
        let body = self.good_body(response).await?;
        let value = serde_json::from_slice(&body)
            .map_err(|_| self.no_registry("its answer is not the JSON expected"))?;
        Ok((value, next))
    }

    /// The bytes of an answer that went well.
    pub(super) async fn good_body(&self, response: Response) -> Result<Vec<u8>, Failure> {
        let status = response.status();
        let wait = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| retry_after(value.to_str().ok()?, SystemClock.now()));
        let body = self.body(response, LARGEST).await?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(self.refused(status, wait, &body))
        }
    }

    /// An answer's bytes, up to a limit.
    pub(super) async fn body(&self, mut response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.no_answer(error))? {
            if body.len() + chunk.len() > limit {
                return Err(self.no_registry("its answer has no end"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// `Link: <…>; rel="next"` (OCI distribution specification, "Listing Tags").
fn next_page(response: &Response) -> Option<String> {
    let link = response.headers().get(header::LINK)?.to_str().ok()?;
    let (target, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    (rest.is_empty() || rest.contains("next")).then(|| target.to_owned())
}
