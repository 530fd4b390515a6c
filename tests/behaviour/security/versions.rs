//! Two versions of a program, in turns on one store: each reads its own type, or loads.

use larder::{
    Cache, cached,
    codec::{Auto, Bincode, Json, MsgPack},
    testkit::MemoryFar,
};

use super::{FINE, over};
use crate::world::Source;

/// A version of a program whose rows have these fields in this order.
macro_rules! version {
    ($name:ident: $($field:ident $type:ty = $value:expr;)*) => {
        mod $name {
            use super::*;

            #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
            struct Row { $($field: $type),* }

            fn row() -> Row {
                Row { $($field: $value),* }
            }

            version!(auto by Auto at "auto:<id>");
            version!(bincode by Bincode at "bincode:<id>");
            version!(msgpack by MsgPack at "msgpack:<id>");
            version!(json by Json at "json:<id>");

            /// Reads five rows with each codec; how many loads that took.
            pub(super) async fn read_all(cache: &Cache, source: &Source) -> u64 {
                let before = source.loads();
                for id in 0..5 {
                    assert_eq!(auto(cache, source, id).await, row());
                    assert_eq!(bincode(cache, source, id).await, row());
                    assert_eq!(msgpack(cache, source, id).await, row());
                    assert_eq!(json(cache, source, id).await, row());
                }
                source.loads() - before
            }
        }
    };
    ($function:ident by $codec:ident at $key:literal) => {
        #[cached(key = $key, codec = $codec, cache = cache, skip(cache, source))]
        async fn $function(cache: &Cache, source: &Source, id: u64) -> Row {
            source.load().await;
            row()
        }
    };
}

version!(old: id u32 = 300; left u16 = 1; right u16 = 2;);
version!(swapped: id u32 = 300; right u16 = 2; left u16 = 1;);
version!(signed: id i32 = -150; left u16 = 1; right u16 = 2;);
version!(longer: id u32 = 300; left u16 = 1; right u16 = 2; more Option<u8> = Some(3););

#[tokio::test]
async fn versions_of_a_type_never_read_each_others_rows() {
    let (far, source) = (MemoryFar::default(), Source::open());
    let processes = [(); 4].map(|()| over(&far).build().expect(FINE));
    let [one, two, three, four] = &processes;
    for _ in 0..20 {
        for expected in [20, 0] {
            assert_eq!(old::read_all(one, &source).await, expected);
        }
        for expected in [20, 0] {
            assert_eq!(swapped::read_all(two, &source).await, expected);
        }
        for expected in [20, 0] {
            assert_eq!(signed::read_all(three, &source).await, expected);
        }
        for expected in [20, 0] {
            assert_eq!(longer::read_all(four, &source).await, expected);
        }
    }
    for cache in processes {
        assert_eq!(
            cache.stats().total.undecodable,
            0,
            "other shapes are a quiet miss"
        );
    }
}
