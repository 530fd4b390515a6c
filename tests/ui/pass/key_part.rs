#![deny(warnings, clippy::pedantic, missing_docs)]
#![forbid(unsafe_code)]
//! Every form of type that can stand in a key.

use std::{marker::PhantomData, sync::Arc};

use larder::{KeyPart, cached};
use larder as pantry;

mod names {
    use larder::KeyPart;

    /// Not for everybody.
    #[derive(KeyPart)]
    pub(crate) struct Private(pub(crate) u8);
}

/// One field is spelt as itself.
#[derive(Debug, Clone, Copy, KeyPart)]
pub struct UserId(pub u64);

/// No field at all.
#[derive(KeyPart)]
pub struct Unit;

/// Nor here.
#[derive(KeyPart)]
pub struct Empty {}

/// Nor here.
#[derive(KeyPart)]
pub struct Nothing();

/// Names that are ours in the expansion, too, and a field that takes no part.
#[derive(KeyPart)]
pub struct Named<'a> {
    key: &'a str,
    field0: u8,
    r#type: char,
    #[key(skip)]
    trace: f64,
}

/// Parameters of all kinds, bounds and defaults.
#[derive(KeyPart)]
pub struct Generic<'a, T: ToString + ?Sized, U = u8, const N: usize = 2>
where
    U: Clone,
{
    of: PhantomPart<U>,
    many: [U; N],
    list: &'a T,
}

/// Is a part whatever `T` is.
#[derive(KeyPart)]
pub struct PhantomPart<T>(u64, #[key(skip)] PhantomData<T>);

/// Holds itself.
#[derive(KeyPart)]
pub struct Tree<T> {
    value: T,
    below: Vec<Tree<T>>,
    beside: Option<Box<Self>>,
}

/// What belongs to a type.
pub trait Table {
    /// Its keys.
    type Id;
}

/// A part if the ids of `T` are.
#[derive(KeyPart)]
pub struct RowOf<T: Table> {
    id: T::Id,
    version: u32,
}

/// A public type with a private field that has a parameter.
#[derive(KeyPart)]
pub struct Holds<T> {
    inner: Inner<T>,
    private: names::Private,
}

#[derive(KeyPart)]
struct Inner<T>(T, u8);

/// Every form of variant.
#[derive(KeyPart)]
#[key(crate = pantry)]
pub enum Find<T> {
    /// No fields.
    All,
    /// In parentheses.
    Ids(Vec<T>, #[key(skip)] f32),
    /// In braces.
    r#In {
        /// Which.
        team: Arc<str>,
        /// Called like a local of ours.
        key: Option<T>,
        /// Not in it.
        #[key(skip)]
        trace: f64,
    },
    /// Nothing of it.
    Near(#[key(skip)] f64),
}

/// One variant.
#[derive(KeyPart)]
pub enum One {
    /// This.
    Only(u8),
}

/// No variant.
#[derive(KeyPart)]
pub enum Never {}

/// Old, and with old parts.
#[deprecated]
#[derive(KeyPart)]
pub struct Old {
    #[deprecated]
    a: u8,
    b: u8,
}

macro_rules! ids {
    ($($name:ident($ty:ty))*) => {
        $(
            /// From a macro.
            #[derive(KeyPart)]
            pub struct $name($ty);
        )*
    };
}

ids! { TeamId(u32) RoomId(Option<u32>) }

#[cached(key = "finds:<find>:<room>")]
async fn search(find: Find<UserId>, room: RoomId) -> u64 {
    let _ = room;
    match find {
        Find::All => 0,
        Find::Ids(ids, _) => ids[0].0,
        Find::In { team, .. } => team.len() as u64,
        Find::Near(_) => 1,
    }
}

fn key(part: &(impl KeyPart + ?Sized)) -> String {
    let mut key = larder::KeyWriter::new();
    key.part(part);
    key.as_str().to_owned()
}

fn main() {
    let _ = search(Find::All, RoomId(None));
    let _ = TeamId(1);
    assert_eq!(key(&UserId(7)), "7");
    assert_eq!((key(&Unit), key(&Empty {}), key(&Nothing())), ("()".into(), "()".into(), "()".into()));
    let named = Named { key: "a,b", field0: 1, r#type: 'x', trace: 0.5 };
    assert_eq!((key(&named), named.trace), ("(a%2Cb,1,x,)".to_owned(), 0.5));
    let generic = Generic { of: PhantomPart::<u8>(3, PhantomData), many: [1, 2], list: "x" };
    assert_eq!(key(&generic), "(3,(1,2,),x,)");
    let leaf = |value| Tree { value, below: vec![], beside: None };
    let tree = Tree { value: 1, below: vec![leaf(2)], beside: Some(Box::new(leaf(3))) };
    assert_eq!(key(&tree), "(1,((2,(),%-,),),(3,(),%-,),)");
    struct Users;
    impl Table for Users {
        type Id = u64;
    }
    assert_eq!(key(&RowOf::<Users> { id: 1, version: 2 }), "(1,2,)");
    assert_eq!(key(&Holds { inner: Inner(1, 2), private: names::Private(3) }), "((1,2,),3,)");
    let all = Find::<u8>::All;
    assert_eq!(key(&all), "All");
    assert_eq!(key(&Find::Ids(vec![1, 2], 0.0)), "Ids((1,2,),)");
    let team = Find::In { team: "red".into(), key: None::<u8>, trace: 0.0 };
    assert_eq!(key(&team), "In(red,%-,)");
    assert_eq!(key(&Find::<u8>::Near(0.0)), "Near");
    assert_eq!(key(&One::Only(1)), "Only(1,)");
    assert_eq!(key(&[Some(RoomId(None)), None]), "(%+%-,%-,)");
}
