//! Lists in pages: so many items, and the cursor of what follows. A cursor is
//! the id of the last item of a page, so what is made or deleted meanwhile
//! neither hides nor repeats another.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;

/// The most items of one page.
pub const MOST: u32 = 200;
/// The items of a page when nothing else is said.
const USUAL: u32 = 50;

/// Which page.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// How many items at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before; none for the first.
    #[serde(default, deserialize_with = "an_id")]
    #[param(format = "uuid", value_type = Option<String>)]
    pub cursor: Option<String>,
}

/// Reads a cursor; whatever is none is refused, as it would hide or repeat items.
fn an_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() == 36 && uuid::Uuid::try_parse(&text).is_ok() {
        return Ok(Some(text));
    }
    Err(D::Error::custom(
        "send the next_cursor of the page before, or leave it out",
    ))
}

impl Wanted {
    /// How many items at most.
    ///
    /// # Errors
    /// When it is none, or more than a page has.
    pub fn limit(&self) -> Result<u32, model::Invalid> {
        let limit = self.limit.unwrap_or(USUAL);
        if (1..=MOST).contains(&limit) {
            return Ok(limit);
        }
        Err(model::Invalid(format!(
            "A page has 1 to {MOST} items, not {limit}. Change limit."
        )))
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Sent as `cursor`, it gives the page that follows; none after the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of what was looked up as one more than `limit`, each with its id.
    pub fn of<I>(mut found: Vec<I>, limit: u32, id: impl Fn(&I) -> String, item: impl Fn(I) -> T) -> Self {
        let limit = limit as usize;
        let is_more = found.len() > limit;
        found.truncate(limit);
        Self {
            next_cursor: found.last().filter(|_| is_more).map(id),
            items: found.into_iter().map(item).collect(),
        }
    }

    /// A page of a list that is held whole, in its order of id.
    ///
    /// # Errors
    /// When the limit is none that a page may have.
    pub fn of_all<I>(
        mut all: Vec<I>,
        wanted: &Wanted,
        id: impl Fn(&I) -> String,
        item: impl Fn(I) -> T,
    ) -> Result<Self, model::Invalid> {
        let limit = wanted.limit()?;
        // Newest first, as ids sort by age.
        all.sort_by_key(|item| std::cmp::Reverse(id(item)));
        if let Some(cursor) = &wanted.cursor {
            all.retain(|item| id(item) < *cursor);
        }
        Ok(Self::of(all, limit, id, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_everything_once() {
        let all: Vec<u32> = (0..5).collect();
        let (mut wanted, mut seen) = (
            Wanted {
                limit: Some(2),
                cursor: None,
            },
            Vec::new(),
        );
        loop {
            let page = Page::of_all(all.clone(), &wanted, u32::to_string, |item| item).expect("a page");
            seen.extend(page.items);
            match page.next_cursor {
                Some(cursor) => wanted.cursor = Some(cursor),
                None => break,
            }
        }
        assert_eq!(seen, [4, 3, 2, 1, 0]);
        for wrong in [0, MOST + 1] {
            assert!(
                Wanted {
                    limit: Some(wrong),
                    cursor: None
                }
                .limit()
                .is_err()
            );
        }
    }
}
