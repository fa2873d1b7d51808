use std::collections::HashMap;

use imagefleet_model::{Access, Image, ImageStatus, Page, PageRequest, ServerId};

use super::conditions::Conditions;
use super::filter::{ImageFilter, ImageSort, SortKey};
use super::row;
use super::selection::{Selection, limited, servers, servers_to_count};
use super::slice::Slice;
use crate::{Result, Store, sql};

/// A question for images, of which a page is wanted.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Which images.
    pub filter: &'a ImageFilter,
    /// Who asks.
    pub access: &'a Access,
    /// Last first.
    pub descending: bool,
    /// Which page.
    pub page: PageRequest,
}

impl Store {
    /// One page of the images that match and that the caller may see.
    pub async fn list_images(
        &self,
        filter: &ImageFilter,
        sort: ImageSort,
        access: &Access,
        page: PageRequest,
    ) -> Result<Page<Image>> {
        let question = Question {
            filter,
            access,
            descending: sort.descending,
            page,
        };
        let (total, mut items) = match sort.key {
            SortKey::Name => self.by_name(question).await?,
            SortKey::Server => self.by_server_name(question).await?,
            SortKey::Status => self.by_status(question).await?,
            // All of them lie along an index. One filter is always read one way: equal sizes stand in another order in the other.
            SortKey::Size if *filter != ImageFilter::default() || limited(access) => {
                self.by_size(question).await?
            }
            SortKey::Size | SortKey::Created | SortKey::Updated => self.by_column(question, sort.key).await?,
        };
        self.hide_users(&mut items, access).await?;
        Ok(Page::new(items, total, page))
    }

    async fn by_name(&self, question: Question<'_>) -> Result<(u64, Vec<Image>)> {
        let Question {
            filter, access, page, ..
        } = question;
        let slice = self
            .in_memory(&servers_to_count(filter, access), |known| {
                Selection::new(known, filter, access).images(page.offset(), page.size, question.descending)
            })
            .await?;
        let items = self.images_in(&slice, question, page.size).await?;
        Ok((slice.total, items))
    }

    async fn by_size(&self, question: Question<'_>) -> Result<(u64, Vec<Image>)> {
        let Question {
            filter, access, page, ..
        } = question;
        let (total, places) = self
            .in_memory(&servers(filter, access), |known| {
                Selection::new(known, filter, access).by_size(page.offset(), page.size, question.descending)
            })
            .await?;
        Ok((total, self.images_at(&places).await?))
    }

    /// Server by server, each in the order of names.
    async fn by_server_name(&self, question: Question<'_>) -> Result<(u64, Vec<Image>)> {
        let Question {
            filter, access, page, ..
        } = question;
        let mut in_order = self.servers_by_name().await?;
        if question.descending {
            in_order.reverse();
        }
        let (total, places) = self
            .in_memory(&servers(filter, access), |known| {
                let selection = Selection::new(known, filter, access);
                let counts: HashMap<ServerId, u64> = in_order
                    .iter()
                    .map(|server| (*server, selection.count(*server)))
                    .collect();
                // Parts of a page are as good as parts of a reference.
                let slice = Slice::cut(
                    in_order.iter().map(|server| (*server, counts[server])),
                    page.offset(),
                    page.size,
                );
                let mut places: Vec<(ServerId, i64)> = Vec::new();
                let mut skip = slice.skip;
                for server in slice.parts {
                    let rest = page.size - places.len() as u64;
                    let references = selection.on_server(server, skip, rest);
                    places.extend(references.into_iter().map(|reference| (server, reference)));
                    skip = 0;
                }
                (slice.total, places)
            })
            .await?;
        Ok((total, self.images_at(&places).await?))
    }

    /// Status by status, each in the order of names.
    async fn by_status(&self, question: Question<'_>) -> Result<(u64, Vec<Image>)> {
        let Question {
            filter, access, page, ..
        } = question;
        let mut statuses = ImageStatus::ALL.to_vec();
        statuses.sort_unstable_by_key(|status| status.as_str());
        if question.descending {
            statuses.reverse();
        }
        statuses.retain(|status| filter.statuses.is_empty() || filter.statuses.contains(status));
        let each = ImageFilter {
            statuses: statuses.clone(),
            ..filter.clone()
        };
        let (total, parts) = self
            .in_memory(&servers_to_count(&each, access), |known| {
                let mut selection = Selection::new(known, &each, access);
                let end = page.offset().saturating_add(page.size);
                let mut total = 0;
                let mut parts = Vec::with_capacity(statuses.len());
                for status in statuses {
                    selection.narrow(status);
                    let from = page.offset().max(total);
                    let size = end.saturating_sub(from);
                    let slice = selection.images(from - total, size, false);
                    total += slice.total;
                    parts.push((status, size, slice));
                }
                (total, parts)
            })
            .await?;
        let mut items = Vec::new();
        for (status, size, slice) in parts {
            let only = ImageFilter {
                statuses: vec![status],
                ..filter.clone()
            };
            let part = Question {
                filter: &only,
                descending: false,
                ..question
            };
            items.extend(self.images_in(&slice, part, size).await?);
        }
        Ok((total, items))
    }

    /// The images of a slice's references that match, without what lies before the page.
    async fn images_in(&self, slice: &Slice, question: Question<'_>, size: u64) -> Result<Vec<Image>> {
        if slice.parts.is_empty() {
            return Ok(Vec::new());
        }
        let mut conditions = Conditions::of(question.filter, question.access);
        conditions.and(format!("i.reference_id IN ({})", sql::numbers(&slice.parts)));
        let condition = conditions.text();
        let down = if question.descending { "DESC" } else { "ASC" };
        let limit = conditions.value(sql::signed(size).into());
        let offset = conditions.value(sql::signed(slice.skip).into());
        let rest =
            format!("ORDER BY r.search {down}, r.id {down}, s.name {down} LIMIT ${limit} OFFSET ${offset}");
        let mut rows = row::read(&self.db, &condition, &rest, conditions.values).await?;
        let order: HashMap<i64, usize> = slice.parts.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        rows.sort_by(|one, other| {
            let names = one.server_name.cmp(&other.server_name);
            let names = if question.descending {
                names.reverse()
            } else {
                names
            };
            order[&one.reference_id]
                .cmp(&order[&other.reference_id])
                .then(names)
        });
        row::images(&self.db, rows).await
    }
}
