//! What a binary needs, from its own bytes (<https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>).

use crate::package::Architecture;

/// The processors that it is for; none when it is no program of Linux for one of the two.
pub(crate) fn architecture(bytes: &[u8]) -> Option<Architecture> {
    let machine = bytes.strip_prefix(b"\x7fELF").and_then(|rest| rest.get(14..16))?;
    match machine {
        [62, 0] => Some(Architecture::X8664),
        [183, 0] => Some(Architecture::Arm64),
        _ => None,
    }
}

/// The newest version of glibc that it asks for, from the version names in its dynamic symbols.
pub(crate) fn newest_glibc(bytes: &[u8]) -> Option<(u32, u32)> {
    versions(bytes).max()
}

fn versions(bytes: &[u8]) -> impl Iterator<Item = (u32, u32)> {
    const NAME: &[u8] = b"GLIBC_";
    let number = |text: &[u8]| String::from_utf8_lossy(text).parse::<u32>().ok();
    bytes.windows(NAME.len()).enumerate().filter(|(_, window)| *window == NAME).filter_map(move |(at, _)| {
        let version = bytes[at + NAME.len()..].split(|byte| !byte.is_ascii_digit() && *byte != b'.').next()?;
        let mut parts = version.split(|byte| *byte == b'.');
        Some((number(parts.next()?)?, number(parts.next()?)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_that_is_named_counts() {
        let bytes = b"\0GLIBC_2.17\0GLIBC_2.4\0xGLIBC_2.30\0GLIBC_PRIVATE\0GLIBC_2.3.4\0";
        assert_eq!(newest_glibc(bytes), Some((2, 30)));
        assert_eq!(newest_glibc(b"no names"), None);
    }
}
