use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder, SecurityRequirement};

use crate::middleware::SESSION_COOKIE;
use crate::monitor::{ErrorEnvelope, is_monitor};
use crate::{FieldError, ProblemBody, router};

/// What stands above the paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "imagefleet",
        description = "Manages the Docker images of many servers. Every list answers {items,total,page,size}; sizes are bytes, \
                       times RFC 3339; errors are RFC 9457 problem documents with a stable code."
    ),
    components(schemas(ProblemBody, FieldError, ErrorEnvelope))
)]
struct Head;

/// The document's part that no route writes.
#[must_use]
pub fn head() -> utoipa::openapi::OpenApi {
    let mut head = Head::openapi();
    let components = head.components.get_or_insert_default();
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE))),
    );
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    head.security = Some(vec![
        SecurityRequirement::new("session", Vec::<String>::new()),
        SecurityRequirement::new("token", Vec::<String>::new()),
    ]);
    head
}

/// The `OpenAPI` document of both APIs, complete with the errors that every route may answer.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, mut document) = router::api().split_for_parts();
    for (path, item) in &mut document.paths.paths {
        let error = if is_monitor(path) { envelope() } else { problem() };
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
            &mut item.head,
            &mut item.options,
        ];
        for operation in operations.into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            responses
                .entry("default".to_owned())
                .or_insert_with(|| RefOr::T(error.clone()));
        }
    }
    document
}

fn problem() -> Response {
    let problem = Ref::from_schema_name("Problem");
    error("A problem", "application/problem+json", problem)
}

/// The Monitor API answers everything in its envelope.
fn envelope() -> Response {
    let envelope = Ref::from_schema_name("MonitorProblem");
    error("A problem: `success` is false", "application/json", envelope)
}

fn error(description: &str, content_type: &str, schema: Ref) -> Response {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(description)
        .content(content_type, content)
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn operation_ids_are_there_and_unique() {
        let document = serde_json::to_value(super::document()).expect("JSON");
        let mut seen = HashSet::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("an item") {
                let id = operation["operationId"]
                    .as_str()
                    .unwrap_or_else(|| panic!("{method} {path} has none"));
                assert!(seen.insert(id.to_owned()), "{id} twice");
                assert!(operation["tags"].is_array(), "{method} {path} has no tag");
            }
        }
        assert!(!seen.is_empty());
    }

    #[test]
    fn each_surface_has_its_errors() {
        let document = serde_json::to_value(super::document()).expect("JSON");
        let error = |path: &str| document["paths"][path]["get"]["responses"]["default"]["content"].clone();
        let native = error("/api/v1/images");
        assert_eq!(
            native["application/problem+json"]["schema"]["$ref"],
            "#/components/schemas/Problem"
        );
        let monitor = error("/api/monitor/system-soft-image/list");
        assert_eq!(
            monitor["application/json"]["schema"]["$ref"],
            "#/components/schemas/MonitorProblem"
        );
        let properties = &document["components"]["schemas"]["MonitorProblem"]["properties"];
        for field in ["code", "msg", "success", "data"] {
            assert!(properties[field].is_object(), "{field}: {properties}");
        }
    }
}
