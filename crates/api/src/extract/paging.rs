use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use imagefleet_model::PageRequest;
use serde::Deserialize;

use super::query::from_query;
use crate::Problem;

/// `page` and `size` of a list. Document them with `params(Paging)`.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// The page, from 1.
    #[param(minimum = 1, default = 1)]
    page: Option<u64>,
    /// Rows a page.
    #[param(minimum = 1, maximum = 200, default = 20)]
    size: Option<u64>,
}

impl Paging {
    /// From the two numbers as another surface names them.
    #[must_use]
    pub fn new(page: Option<u64>, size: Option<u64>) -> Self {
        Self { page, size }
    }

    /// The page, when both numbers are in bounds.
    pub fn request(self) -> Result<PageRequest, Problem> {
        let request = PageRequest {
            page: self.page.unwrap_or(1),
            size: self.size.unwrap_or(PageRequest::default().size),
        };
        if request.page < 1 {
            return Err(Problem::field("page", "must be 1 or more"));
        }
        if !(1..=PageRequest::MAX_SIZE).contains(&request.size) {
            return Err(Problem::field(
                "size",
                format!("must be from 1 to {}", PageRequest::MAX_SIZE),
            ));
        }
        Ok(request)
    }
}

/// Refuses numbers out of bounds before the handler runs; `request` gives them to it.
impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let paging: Self = from_query(parts.uri.query().unwrap_or_default())?;
        paging.request()?;
        Ok(paging)
    }
}

#[cfg(test)]
mod tests {
    use super::Paging;

    #[test]
    fn bounds_are_named() {
        let request = Paging::default().request().expect("defaults");
        assert_eq!((request.page, request.size), (1, 20));
        for (page, size, field) in [
            (0, 20, "page"),
            (1, 0, "size"),
            (1, 201, "size"),
            (1, 10_000, "size"),
        ] {
            let problem = Paging::new(Some(page), Some(size))
                .request()
                .expect_err("refused");
            assert_eq!(problem.body(None).errors[0].field, field);
            assert_eq!(problem.status().as_u16(), 422);
        }
        assert!(Paging::new(Some(u64::MAX), Some(200)).request().is_ok());
    }
}
