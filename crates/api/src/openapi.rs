use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, SecurityRequirement};

use crate::middleware::SESSION_COOKIE;
use crate::{FieldError, ProblemBody, router};

/// What stands above the paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "imagefleet",
        description = "Manages the Docker images of many servers. Every list answers {items,total,page,size}; sizes are bytes, \
                       times RFC 3339; errors are RFC 9457 problem documents with a stable code."
    ),
    components(schemas(ProblemBody, FieldError))
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
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
            &mut item.head,
            &mut item.options,
        ];
        operations.into_iter().flatten().for_each(add_problem);
    }
    document
}

fn add_problem(operation: &mut Operation) {
    let problem = ResponseBuilder::new()
        .description("A problem")
        .content(
            "application/problem+json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build(),
        )
        .build();
    operation
        .responses
        .responses
        .entry("default".to_owned())
        .or_insert(RefOr::T(problem));
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
}
