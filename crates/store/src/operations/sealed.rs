use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Result, Secrets, Store};

/// A part of a step's payload that may hold secrets (the environment of a container), readable with the key alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedPayload {
    /// Binds it to its step, whose row has no id yet when it is sealed.
    place: String,
    sealed: String,
}

impl SealedPayload {
    /// The sealed part that a value is, if it is one.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        value.is_object().then(|| Self::deserialize(value).ok()).flatten()
    }

    /// The same part, readable with another key.
    pub(crate) fn resealed(&self, old: &Secrets, new: &Secrets) -> Result<Self> {
        let plain = old.open(&self.place, &self.sealed)?;
        Ok(Self {
            place: self.place.clone(),
            sealed: new.seal(&self.place, &plain)?,
        })
    }
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
