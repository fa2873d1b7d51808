use imagefleet_model::ImageStatus;

use crate::images::ImageFilter;

/// Status and use of an image, as a number below [`KINDS`].
pub type Flag = u8;

/// A number for every status, with and without use.
const KINDS: u8 = 16;
const IN_USE: Flag = 8;
const _: () = assert!(ImageStatus::ALL.len() <= IN_USE as usize);

/// The number of a status and use.
pub fn flag(status: ImageStatus, in_use: bool) -> Flag {
    let status = ImageStatus::ALL.iter().position(|other| *other == status);
    let status = Flag::try_from(status.unwrap_or_default()).unwrap_or_default();
    status | if in_use { IN_USE } else { 0 }
}

/// Which status and use a filter allows: a bit for each number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed(u16);

impl Allowed {
    /// What a filter allows.
    pub fn of(filter: &ImageFilter) -> Self {
        let mut bits = 0;
        for status in ImageStatus::ALL {
            for in_use in [false, true] {
                bits |= u16::from(filter.allows(*status, in_use)) << flag(*status, in_use);
            }
        }
        Self(bits)
    }

    /// Whether a number is allowed.
    pub fn allows(self, flag: Flag) -> bool {
        self.0 >> (flag % KINDS) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use imagefleet_model::ImageStatus;

    use super::{Allowed, flag};
    use crate::images::ImageFilter;

    #[test]
    fn a_filter_allows_what_it_names() {
        let allowed = |filter: ImageFilter| {
            let allowed = Allowed::of(&filter);
            let both = ImageStatus::ALL
                .iter()
                .flat_map(|status| [(*status, false), (*status, true)]);
            both.filter(|(status, in_use)| allowed.allows(flag(*status, *in_use)))
                .collect::<Vec<_>>()
        };
        assert_eq!(allowed(ImageFilter::default()).len(), 2 * ImageStatus::ALL.len());
        let failed = ImageFilter {
            statuses: vec![ImageStatus::Pulling, ImageStatus::StartFailed],
            unused: Some(false),
            ..ImageFilter::default()
        };
        assert_eq!(
            allowed(failed),
            [(ImageStatus::Pulling, true), (ImageStatus::StartFailed, true)]
        );
        let unused = ImageFilter {
            unused: Some(true),
            ..ImageFilter::default()
        };
        assert_eq!(allowed(unused).len(), ImageStatus::ALL.len());
    }
}
