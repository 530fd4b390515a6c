//! Servers, a fault proxy and a recorder for larder's own tests.
