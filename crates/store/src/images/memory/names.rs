use std::ops::Range;

use memchr::memmem::Finder;

/// The names of references in their order, as one text: a search is one pass over it.
#[derive(Debug, Default)]
pub struct Names {
    /// Of each: what people search in, then its repository and tag where those stand there in other letters.
    text: String,
    lines: Vec<Line>,
}

/// Where in the text one reference's names stand.
#[derive(Debug, Clone, Copy)]
struct Line {
    start: u32,
    /// Bytes from `start` that people search in.
    search: u32,
    repository: Part,
    tag: Option<Part>,
}

/// A part of a line, from its start.
#[derive(Debug, Clone, Copy)]
struct Part {
    from: u32,
    len: u32,
}

/// Ends what is searched in: nobody searches for control characters.
const END: char = '\n';

impl Names {
    /// Room for so many as there are here, and some more.
    pub fn with_room_like(other: &Self, more: usize) -> Self {
        Self {
            text: String::with_capacity(other.text.len() + more * 48),
            lines: Vec::with_capacity(other.lines.len() + more),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Adds one at the end.
    pub fn push(&mut self, search: &str, repository: &str, tag: Option<&str>) {
        let start = self.text.len();
        self.text.push_str(search);
        self.text.push(END);
        let repository = self.part(start, search.find(repository), repository);
        let tag = tag.map(|tag| self.part(start, search.rfind(tag), tag));
        self.lines.push(Line {
            start: small(start),
            search: small(search.len()),
            repository,
            tag,
        });
    }

    /// Adds a run of another's at the end.
    pub fn extend(&mut self, other: &Self, run: Range<usize>) {
        let (Some(first), start) = (other.lines.get(run.start), small(self.text.len())) else {
            return;
        };
        let end = other
            .lines
            .get(run.end)
            .map_or(other.text.len(), |line| line.start as usize);
        self.text.push_str(&other.text[first.start as usize..end]);
        self.lines.extend(other.lines[run].iter().map(|line| Line {
            start: line.start - first.start + start,
            ..*line
        }));
    }

    /// What people search in, of the one at a place.
    pub fn search_text(&self, place: usize) -> &str {
        let line = &self.lines[place];
        self.cut(
            line,
            Part {
                from: 0,
                len: line.search,
            },
        )
    }

    /// The familiar repository of the one at a place.
    pub fn repository(&self, place: usize) -> &str {
        let line = &self.lines[place];
        self.cut(line, line.repository)
    }

    /// The tag of the one at a place.
    pub fn tag(&self, place: usize) -> Option<&str> {
        let line = &self.lines[place];
        line.tag.map(|tag| self.cut(line, tag))
    }

    /// The places of those that hold `part`, which is in small letters and has no control characters.
    pub fn find(&self, part: &str, mut found: impl FnMut(usize)) {
        let finder = Finder::new(part);
        let text = self.text.as_bytes();
        let (mut from, mut place) = (0, 0);
        while let Some(at) = finder.find(&text[from..]).map(|at| from + at) {
            while self.start_of(place + 1) <= at {
                place += 1;
            }
            let line = &self.lines[place];
            if at < (line.start + line.search) as usize {
                found(place);
            }
            place += 1;
            from = self.start_of(place);
        }
    }

    fn start_of(&self, place: usize) -> usize {
        self.lines
            .get(place)
            .map_or(self.text.len(), |line| line.start as usize)
    }

    /// A part where it stands already, or behind what is searched in.
    fn part(&mut self, start: usize, at: Option<usize>, part: &str) -> Part {
        let from = at.unwrap_or_else(|| {
            let at = self.text.len() - start;
            self.text.push_str(part);
            self.text.push(END);
            at
        });
        Part {
            from: small(from),
            len: small(part.len()),
        }
    }

    fn cut(&self, line: &Line, part: Part) -> &str {
        let from = (line.start + part.from) as usize;
        &self.text[from..from + part.len as usize]
    }
}

/// All names of an inventory together are far below 4 GB.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Names;

    const ALL: [(&str, &str, Option<&str>); 6] = [
        ("app:1", "app", Some("1")),
        ("ghcr.io/upper/app:v1", "ghcr.io/Upper/App", Some("V1")),
        ("sha256:aa\nteam/app", "team/app", None),
        ("sha256:bb\n<none>", "<none>", None),
        ("x:x", "x", Some("x")),
        ("名字/应用:1", "名字/应用", Some("1")),
    ];

    fn names(all: &[(&str, &str, Option<&str>)]) -> Names {
        let mut names = Names::default();
        for (search, repository, tag) in all {
            names.push(search, repository, *tag);
        }
        names
    }

    fn assert_like(names: &Names, all: &[(&str, &str, Option<&str>)]) {
        assert_eq!(names.len(), all.len());
        for (place, (search, repository, tag)) in all.iter().enumerate() {
            let there = (
                names.search_text(place),
                names.repository(place),
                names.tag(place),
            );
            assert_eq!(there, (*search, *repository, *tag));
        }
        for part in [
            "a", "p:1", "1", "pper", "Upper", "V1", "x", "x:x", "team", "aateam", "应用", "<", "nothing",
            "app:1app",
        ] {
            let mut found = Vec::new();
            names.find(part, |place| found.push(place));
            let wanted: Vec<usize> = (0..all.len()).filter(|at| all[*at].0.contains(part)).collect();
            assert_eq!(found, wanted, "{part}");
        }
    }

    #[test]
    fn names_are_found_by_what_is_searched_in_alone() {
        assert_like(&names(&ALL), &ALL);
        assert_like(&Names::default(), &[]);
    }

    #[test]
    fn runs_of_names_are_taken_over_as_they_are() {
        let all = names(&ALL);
        for (from, to) in [(0, 6), (0, 0), (1, 2), (4, 6), (6, 6)] {
            let mut run = names(&ALL[2..4]);
            run.extend(&all, from..to);
            let wanted = [&ALL[2..4], &ALL[from..to]].concat();
            assert_like(&run, &wanted);
        }
    }
}
