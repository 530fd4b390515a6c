//! The stores of larder, one room and one feature each.
