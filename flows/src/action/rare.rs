//! A list behind one pointer, for the few actions that hold one. Knows nothing of actions.

use std::fmt;
use std::ops::Deref;

/// A list in an action of a kind that few flows have. It takes one word in place (and nothing of the heap while it is
/// empty), so that it makes no other action larger. It is read as the slice that it is, and made of a `Vec` or an array.
///
/// ```
/// use flows::Action;
///
/// let note = Action::Note([1, 2].into());
/// assert!(matches!(note, Action::Note(bytes) if bytes[..] == [1, 2]));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RareList<T>(Option<Box<Box<[T]>>>);

impl<T> Default for RareList<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Deref for RareList<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_deref().map_or(&[], |list| list)
    }
}

impl<T> From<Box<[T]>> for RareList<T> {
    fn from(list: Box<[T]>) -> Self {
        Self((!list.is_empty()).then(|| Box::new(list)))
    }
}

impl<T> From<Vec<T>> for RareList<T> {
    fn from(list: Vec<T>) -> Self {
        list.into_boxed_slice().into()
    }
}

impl<T, const N: usize> From<[T; N]> for RareList<T> {
    fn from(list: [T; N]) -> Self {
        Box::<[T]>::from(list).into()
    }
}

impl<T: Clone> From<&[T]> for RareList<T> {
    fn from(list: &[T]) -> Self {
        Box::<[T]>::from(list).into()
    }
}

impl<'a, T> IntoIterator for &'a RareList<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: fmt::Debug> fmt::Debug for RareList<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}
