/// Credentials that go along with one request to an engine or registry (`X-Registry-Auth`). Never stored on servers.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryAuth {
    /// Host and port, as references spell it.
    pub server_address: String,
    /// The account.
    pub username: String,
    /// Its password or token.
    pub password: String,
}

impl std::fmt::Debug for RegistryAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryAuth")
            .field("server_address", &self.server_address)
            .finish_non_exhaustive()
    }
}
