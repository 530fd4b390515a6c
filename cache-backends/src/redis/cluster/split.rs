//! Which of a call's parts go together.

/// Gathers the places of what has the same key, in the order in which keys first occur.
pub(super) fn split<K: PartialEq>(keys: impl IntoIterator<Item = K>) -> Vec<(K, Vec<usize>)> {
    let mut parts: Vec<(K, Vec<usize>)> = Vec::new();
    for (place, key) in keys.into_iter().enumerate() {
        match parts.iter_mut().find(|part| part.0 == key) {
            Some((_, places)) => places.push(place),
            None => parts.push((key, vec![place])),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn every_place_is_in_the_part_of_its_key() {
        let parts = split(["b", "a", "b", "c", "a"]);
        assert_eq!(
            parts,
            [("b", vec![0, 2]), ("a", vec![1, 4]), ("c", vec![3])]
        );
        assert_eq!(split(std::iter::empty::<u8>()), []);
    }
}
