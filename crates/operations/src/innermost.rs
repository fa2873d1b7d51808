use std::error::Error;

/// The words of the cause below all others, where an error keeps what went wrong to its source.
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
