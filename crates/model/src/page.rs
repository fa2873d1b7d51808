use serde::{Deserialize, Serialize};

/// One page of a list, with how many there are in all.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// How many rows match over all pages.
    pub total: u64,
    /// This page's number, from 1.
    pub page: u64,
    /// How many rows a page holds at most.
    pub size: u64,
}

impl<T> Page<T> {
    /// A page of `items` for `request`.
    #[must_use]
    pub fn new(items: Vec<T>, total: u64, request: PageRequest) -> Self {
        Self {
            items,
            total,
            page: request.page,
            size: request.size,
        }
    }

    /// The same page with other rows.
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            total: self.total,
            page: self.page,
            size: self.size,
        }
    }
}

/// Which page is asked for; checked at the edge (`page` ≥ 1, 1 ≤ `size` ≤ 200).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub page: u64,
    /// Rows a page.
    pub size: u64,
}

impl PageRequest {
    /// The largest page that may be asked for.
    pub const MAX_SIZE: u64 = 200;

    /// How many rows come before this page. Saturates: a page beyond the end is an empty page, not an error.
    #[must_use]
    pub fn offset(self) -> u64 {
        self.page
            .saturating_sub(1)
            .saturating_mul(self.size)
            .min(i64::MAX as u64)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { page: 1, size: 20 }
    }
}
