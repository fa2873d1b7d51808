/// A pattern over repository names: `*` stands for any characters (the slash included), `?` for one.
///
/// It is deliberately no more than SQL's `LIKE` can say, so that the check of one name in memory and the filter
/// of a list in the database can never disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// A pattern from what the person wrote.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.trim().to_owned())
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every name matches.
    #[must_use]
    pub fn matches_all(&self) -> bool {
        !self.0.is_empty() && self.0.chars().all(|c| c == '*')
    }

    /// Whether `name` matches as a whole.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        let name: Vec<char> = name.chars().collect();
        let (mut p, mut n) = (0, 0);
        // Where the last `*` stood and how much of the name it has swallowed: the only point to go back to.
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, n));
                    p += 1;
                }
                Some('?') => {
                    p += 1;
                    n += 1;
                }
                Some(c) if *c == name[n] => {
                    p += 1;
                    n += 1;
                }
                _ => match star {
                    Some((at, taken)) => {
                        star = Some((at, taken + 1));
                        p = at + 1;
                        n = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }

    /// The same pattern for `LIKE … ESCAPE '\'`.
    #[must_use]
    pub fn to_like(&self) -> String {
        let mut like = String::with_capacity(self.0.len() + 4);
        for c in self.0.chars() {
            match c {
                '*' => like.push('%'),
                '?' => like.push('_'),
                '%' | '_' | '\\' => {
                    like.push('\\');
                    like.push(c);
                }
                c => like.push(c),
            }
        }
        like
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn star_crosses_slashes_and_question_mark_is_one() {
        assert!(Glob::new("team/*").matches("team/a/b"));
        assert!(!Glob::new("team/*").matches("team"));
        assert!(Glob::new("*/app?").matches("x/y/app1"));
        assert!(!Glob::new("*/app?").matches("x/app"));
        assert!(Glob::new("a*b*c").matches("a--b-b--c"));
        assert!(!Glob::new("a*b*c").matches("a--b-b--"));
        assert!(Glob::new("*").matches_all() && !Glob::new("").matches_all());
        assert!(!Glob::new("").matches("x"));
    }

    #[test]
    fn like_escapes_what_sql_would_read() {
        assert_eq!(Glob::new("a_b%c\\*?").to_like(), "a\\_b\\%c\\\\%_");
    }
}
