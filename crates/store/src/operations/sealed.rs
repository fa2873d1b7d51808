use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Result, Store};

/// A part of a step's payload that may hold secrets (the environment of a container), readable with the key alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealedPayload {
    /// Binds it to its step, whose row has no id yet when it is sealed.
    place: String,
    sealed: String,
}

impl Store {
    /// Seals a part of the payload of a new step.
    pub fn seal_payload<T: Serialize>(&self, part: &T) -> Result<SealedPayload> {
        let place = format!("operation_steps|{}|payload", uuid::Uuid::now_v7());
        let plain = SecretString::from(serde_json::to_string(part)?);
        let sealed = self.secrets().seal(&place, &plain)?;
        Ok(SealedPayload { place, sealed })
    }

    /// Opens a sealed part of a step's payload.
    pub fn open_payload<T: DeserializeOwned>(&self, payload: &SealedPayload) -> Result<T> {
        let plain = self.secrets().open(&payload.place, &payload.sealed)?;
        Ok(serde_json::from_str(plain.expose_secret())?)
    }
}
