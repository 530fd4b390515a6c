//! The far tier on memcached, on real servers that the tests start and break themselves.

mod contract;
