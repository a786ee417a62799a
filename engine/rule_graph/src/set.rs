//! Sets of types as bits, and antichains of such sets.

use std::fmt;

use crate::problem::Ty;

/// A set of types. Without trailing zero words, so that equal sets have equal representations.
/// Params have the lowest numbers; sets of the first 64 need no allocation.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Set {
    first: u64,
    rest: Vec<u64>,
}

impl Set {
    pub(crate) fn new() -> Set {
        Set::default()
    }

    pub(crate) fn of(ty: Ty) -> Set {
        let mut set = Set::new();
        set.insert(ty);
        set
    }

    pub(crate) fn insert(&mut self, ty: Ty) {
        let (word, bit) = place(ty);
        match word {
            0 => self.first |= bit,
            word => {
                if self.rest.len() < word {
                    self.rest.resize(word, 0);
                }
                self.rest[word - 1] |= bit;
            }
        }
    }

    pub(crate) fn contains(&self, ty: Ty) -> bool {
        let (word, bit) = place(ty);
        match word {
            0 => self.first & bit != 0,
            word => self.rest.get(word - 1).is_some_and(|have| have & bit != 0),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first == 0 && self.rest.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        let rest: u32 = self.rest.iter().map(|word| word.count_ones()).sum();
        (self.first.count_ones() + rest) as usize
    }

    pub(crate) fn is_subset(&self, other: &Set) -> bool {
        self.first & !other.first == 0
            && self.rest.len() <= other.rest.len()
            && self.rest.iter().zip(&other.rest).all(|(a, b)| a & !b == 0)
    }

    pub(crate) fn intersects(&self, other: &Set) -> bool {
        self.first & other.first != 0 || self.rest.iter().zip(&other.rest).any(|(a, b)| a & b != 0)
    }

    /// Adds all of `other`; says whether anything was new.
    pub(crate) fn add(&mut self, other: &Set) -> bool {
        let mut new = other.first & !self.first != 0;
        self.first |= other.first;
        if self.rest.len() < other.rest.len() {
            self.rest.resize(other.rest.len(), 0);
        }
        for (mine, theirs) in self.rest.iter_mut().zip(&other.rest) {
            new |= theirs & !*mine != 0;
            *mine |= theirs;
        }
        new
    }

    /// Adds what is in `other` and not in `without`.
    pub(crate) fn add_minus(&mut self, other: &Set, without: &Set) {
        self.first |= other.first & !without.first;
        if self.rest.len() < other.rest.len() {
            self.rest.resize(other.rest.len(), 0);
        }
        for (at, (mine, theirs)) in self.rest.iter_mut().zip(&other.rest).enumerate() {
            *mine |= theirs & !without.rest.get(at).copied().unwrap_or_default();
        }
        while self.rest.last() == Some(&0) {
            self.rest.pop();
        }
    }

    pub(crate) fn union(&self, other: &Set) -> Set {
        let mut set = self.clone();
        set.add(other);
        set
    }

    pub(crate) fn minus(&self, other: &Set) -> Set {
        let mut set = self.clone();
        set.first &= !other.first;
        for (mine, theirs) in set.rest.iter_mut().zip(&other.rest) {
            *mine &= !theirs;
        }
        set.trim()
    }

    pub(crate) fn intersection(&self, other: &Set) -> Set {
        Set {
            first: self.first & other.first,
            rest: self
                .rest
                .iter()
                .zip(&other.rest)
                .map(|(a, b)| a & b)
                .collect(),
        }
        .trim()
    }

    /// The members in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Ty> + '_ {
        std::iter::once(&self.first)
            .chain(&self.rest)
            .enumerate()
            .flat_map(|(at, word)| {
                let mut word = *word;
                std::iter::from_fn(move || {
                    let bit = (word != 0).then(|| word.trailing_zeros())?;
                    word &= word - 1;
                    Some((at * 64) as Ty + bit as Ty)
                })
            })
    }

    fn trim(mut self) -> Set {
        while self.rest.last() == Some(&0) {
            self.rest.pop();
        }
        self
    }
}

impl FromIterator<Ty> for Set {
    fn from_iter<I: IntoIterator<Item = Ty>>(types: I) -> Set {
        let mut set = Set::new();
        types.into_iter().for_each(|ty| set.insert(ty));
        set
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

fn place(ty: Ty) -> (usize, u64) {
    (usize::from(ty) / 64, 1 << (ty % 64))
}

/// Adds `set` to `minimal` unless something in there is part of it; drops what it is part of.
/// Returns the number of comparisons.
pub(crate) fn insert_minimal(minimal: &mut Vec<Set>, set: Set) -> usize {
    if let Some(at) = minimal.iter().position(|have| have.is_subset(&set)) {
        return at + 1;
    }
    let before = minimal.len();
    minimal.retain(|have| !set.is_subset(have));
    minimal.push(set);
    2 * before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(members: &[Ty]) -> Set {
        members.iter().copied().collect()
    }

    #[test]
    fn agrees_with_sorted_lists() {
        let lists: [&[Ty]; 6] = [&[], &[0], &[63, 64], &[0, 64, 200], &[200], &[63, 1000]];
        for a in lists {
            assert_eq!(set(a).iter().collect::<Vec<_>>(), a);
            assert_eq!(set(a).len(), a.len());
            for b in lists {
                let both = |ty: &Ty| b.contains(ty);
                assert_eq!(set(a).is_subset(&set(b)), a.iter().all(both));
                assert_eq!(set(a).intersects(&set(b)), a.iter().any(both));
                let minus: Vec<Ty> = a.iter().copied().filter(|ty| !b.contains(ty)).collect();
                assert_eq!(set(a).minus(&set(b)), set(&minus));
                let common: Vec<Ty> = a.iter().copied().filter(both).collect();
                assert_eq!(set(a).intersection(&set(b)), set(&common));
                assert_eq!(set(a).union(&set(b)), set(&[a, b].concat()));
                assert_eq!(
                    set(a).clone().add(&set(b)),
                    !b.iter().all(|ty| a.contains(ty))
                );
            }
        }
    }

    #[test]
    fn only_minimal_sets_stay() {
        let mut minimal = Vec::new();
        for members in [&[1, 2][..], &[2, 3], &[2], &[2, 9], &[1, 3]] {
            insert_minimal(&mut minimal, set(members));
        }
        assert_eq!(minimal, [set(&[2]), set(&[1, 3])]);
    }
}
