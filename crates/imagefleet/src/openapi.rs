/// Prints the `OpenAPI` document; the repository keeps it as `openapi.json`.
pub fn print() -> anyhow::Result<()> {
    let document = imagefleet_api::document();
    println!("{}", serde_json::to_string_pretty(&document)?);
    Ok(())
}
