//! What a name may be: of a network, subnet, port, host or physical network. Knows nothing of where names come from.

/// The longest name, in bytes.
const MAX_BYTES: usize = 255;

/// A text that can not be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing in it.
    #[error("an empty name")]
    Empty,
    /// Longer than 255 bytes.
    #[error("a name of {0} bytes, expected at most 255")]
    Long(usize),
    /// Control characters would reach terminals and logs.
    #[error("name {0:?} with control characters, expected none")]
    Control(String),
    /// Two names that look the same would differ.
    #[error("name {0:?} with white space around it, expected none")]
    Space(String),
    /// Physical networks stand in `NAME:BRIDGE,NAME:BRIDGE` lists.
    #[error(
        "physical network name {0:?} with a colon or comma, expected none: they separate bridge mappings"
    )]
    Separator(String),
}

/// Accepts 1 to 255 bytes without control characters and without white space at either end.
///
/// # Errors
/// The first rule that `name` breaks.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        Err(NameError::Empty)
    } else if name.len() > MAX_BYTES {
        Err(NameError::Long(name.len()))
    } else if name.chars().any(char::is_control) {
        Err(NameError::Control(name.to_owned()))
    } else if name.trim() != name {
        Err(NameError::Space(name.to_owned()))
    } else {
        Ok(())
    }
}

/// [`check_name`], and no `:` or `,`, which separate the bridge mappings of a host.
///
/// # Errors
/// The first rule that `name` breaks.
pub fn check_physical_network_name(name: &str) -> Result<(), NameError> {
    check_name(name)?;
    if name.contains([':', ',']) {
        Err(NameError::Separator(name.to_owned()))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printable_and_bounded() {
        for good in ["a", "web 1", "größe", "physnet1/a", &"x".repeat(255)] {
            assert_eq!(check_name(good), Ok(()));
        }
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name(&"x".repeat(256)), Err(NameError::Long(256)));
        assert_eq!(
            check_name("a\u{1b}[2J"),
            Err(NameError::Control("a\u{1b}[2J".to_owned()))
        );
        assert_eq!(check_name(" a"), Err(NameError::Space(" a".to_owned())));
        assert_eq!(
            check_physical_network_name("a:b"),
            Err(NameError::Separator("a:b".to_owned()))
        );
        assert_eq!(check_physical_network_name("a"), Ok(()));
    }
}
