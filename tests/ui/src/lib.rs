//! What the compiler says about each use of the attributes.
