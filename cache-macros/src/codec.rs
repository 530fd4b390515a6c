//! Decides which codecs have a short name.

use syn::{Error, Path, Result};

use crate::nearest::did_you_mean;

/// The short names, each with the type that it means.
const NAMES: [(&str, &str); 5] = [
    ("auto", "Auto"),
    ("bincode", "Bincode"),
    ("bytes", "Raw"),
    ("json", "Json"),
    ("msgpack", "MsgPack"),
];

/// The type of larder that `codec` is the short name of.
pub(crate) fn named(codec: &Path) -> Option<&'static str> {
    let name = codec.get_ident()?;
    let known = NAMES.iter().find(|(short, _)| name == short);
    known.map(|(_, ty)| *ty)
}

/// Reports what looks like a short name and is none. Types begin with a capital.
pub(crate) fn check(codec: &Path) -> Result<()> {
    let name = match codec.get_ident() {
        Some(ident) if named(codec).is_none() => ident.to_string(),
        _ => return Ok(()),
    };
    if name.starts_with(char::is_uppercase) {
        return Ok(());
    }
    let known = NAMES.map(|(short, _)| short);
    let (list, hint) = (known.join("`, `"), did_you_mean(&name, known));
    let message =
        format!("there is no codec `{name}`; there are `{list}`, and types of your own{hint}");
    Err(Error::new_spanned(codec, message))
}
