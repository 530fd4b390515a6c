//! Which table a type gets, without being asked for bounds it does not have.

use std::{any::TypeId, sync::Arc};

use bytes::Bytes;
use cache_core::{
    __private, __table,
    codec::{Auto, Bincode, Codec, MsgPack, Raw, Table},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::types::*;

fn returns<V>() -> __private::Plain<V> {
    __private::Plain::NEW
}

#[derive(Debug, Clone, PartialEq)]
struct NoSerde;

#[derive(Debug, Clone, PartialEq, Serialize)]
struct HalfSerde;

fn knows_serde<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static>() -> &'static Table
{
    __table!(returns::<T>())
}

fn knows_serde_by_lifetime<T>() -> &'static Table
where
    T: Serialize + for<'de> Deserialize<'de> + Clone + Send + Sync + 'static,
{
    __table!(returns::<Vec<T>>())
}

fn knows_nothing<T: Clone + Send + Sync + 'static>() -> &'static Table {
    __table!(returns::<T>())
}

#[test]
fn a_type_with_serde_becomes_bytes_and_others_stay_near() {
    for table in [
        __table!(returns::<Plain>()),
        __table!(returns::<Arc<Plain>>()),
        __table!(returns::<Vec<Option<Plain>>>()),
        knows_serde::<Plain>(),
        knows_serde_by_lifetime::<Plain>(),
    ] {
        assert!(table.is_far(), "{table:?}");
    }
    for table in [
        __table!(returns::<NoSerde>()),
        __table!(returns::<HalfSerde>()),
        __table!(returns::<Arc<NoSerde>>()),
        knows_nothing::<Plain>(),
    ] {
        assert!(!table.is_far(), "{table:?}");
    }
    let table = __table!(returns::<Plain>());
    assert_eq!(table.type_id(), TypeId::of::<Plain>());
    assert!(table.type_name().ends_with("Plain"));
    assert_eq!(
        table.fingerprint(),
        Table::of::<Plain, Auto>().fingerprint()
    );
    let near = __table!(returns::<NoSerde>());
    assert_eq!(
        (near.type_id(), near.fingerprint()),
        (TypeId::of::<NoSerde>(), 0)
    );
}

#[test]
fn bytes_that_serde_does_not_know_are_stored_as_they_are() {
    let raw = <Raw as Codec<Bytes>>::ID;
    let mut out = Vec::new();
    let table = __table!(returns::<Bytes>());
    let bytes = Bytes::from_static(b"ab");
    assert_eq!(table.encode(&bytes, &mut out).unwrap(), raw);
    assert_eq!(out, b"ab");
    assert_eq!(
        table.decode(raw, &out).unwrap().downcast_ref(),
        Some(&bytes)
    );
    // What is set by hand goes through serde, so text must do so here as well.
    let text = __table!(returns::<String>());
    assert_eq!(
        text.fingerprint(),
        Table::of::<String, Auto>().fingerprint()
    );
    let named = __table!(returns::<String>(), Raw);
    out.clear();
    assert_eq!(named.encode(&"ef".to_owned(), &mut out).unwrap(), raw);
    assert_eq!(out, b"ef");
    assert!(named.decode(raw, b"\xff").is_err());
    assert_ne!(named.fingerprint(), table.fingerprint());
}

#[test]
fn a_named_codec_is_used() {
    let mut out = Vec::new();
    let table = __table!(returns::<Plain2>(), MsgPack);
    let value = Plain2 {
        left: "l".into(),
        right: None,
    };
    assert_eq!(
        table.encode(&value, &mut out).unwrap(),
        <MsgPack as Codec<u8>>::ID
    );
    assert!(table.decode(<Bincode as Codec<u8>>::ID, &out).is_err());
    assert!(table.decode(<MsgPack as Codec<u8>>::ID, &out).is_ok());
}

/// The bytes may be anything, and a type may take that badly.
#[test]
fn a_type_that_panics_is_an_error() {
    let table = __table!(returns::<Panics>());
    let mut out = Vec::new();
    let format = table.encode(&Panics(2000), &mut out).unwrap();
    assert!(table.decode(format, &out).is_ok());
    let error = table.decode(format, &[1]).unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
}

/// A codec of one's own needs nothing but the trait.
#[test]
fn a_codec_of_ones_own_is_used() {
    struct Nothing;
    impl Codec<NoSerde> for Nothing {
        const ID: u8 = 200;
        fn encode(_: &NoSerde, _: &mut Vec<u8>) -> cache_core::Result<()> {
            Ok(())
        }
        fn decode(_: &[u8]) -> cache_core::Result<NoSerde> {
            Ok(NoSerde)
        }
    }
    let table = __table!(returns::<NoSerde>(), Nothing);
    let mut out = Vec::new();
    assert_eq!(table.encode(&NoSerde, &mut out).unwrap(), 200);
    assert_eq!(
        table.decode(200, &out).unwrap().downcast_ref(),
        Some(&NoSerde)
    );
}
