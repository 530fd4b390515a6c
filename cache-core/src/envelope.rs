//! How an entry looks in a far tier.
