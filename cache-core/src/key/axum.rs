//! axum's extractors, and the parts of a request, in keys.

use axum::{
    extract::{Extension, MatchedPath, OriginalUri, Path, Query, RawQuery},
    http::{Method, Uri},
};

use super::{KeyPart, KeyWriter};

macro_rules! wrappers {
    ($($name:ident)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: KeyPart> KeyPart for $name<T> {
            fn write_key(&self, key: &mut KeyWriter) {
                self.0.write_key(key);
            }
        }
    )*};
}

wrappers!(Extension Path Query);

#[diagnostic::do_not_recommend]
impl KeyPart for RawQuery {
    fn write_key(&self, key: &mut KeyWriter) {
        self.0.write_key(key);
    }
}

#[diagnostic::do_not_recommend]
impl KeyPart for MatchedPath {
    fn write_key(&self, key: &mut KeyWriter) {
        self.as_str().write_key(key);
    }
}

#[diagnostic::do_not_recommend]
impl KeyPart for OriginalUri {
    fn write_key(&self, key: &mut KeyWriter) {
        self.0.write_key(key);
    }
}

#[diagnostic::do_not_recommend]
impl KeyPart for Uri {
    fn write_key(&self, key: &mut KeyWriter) {
        self.to_string().write_key(key);
    }
}

#[diagnostic::do_not_recommend]
impl KeyPart for Method {
    fn write_key(&self, key: &mut KeyWriter) {
        self.as_str().write_key(key);
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        extract::{Extension, Path, Query, RawQuery},
        http::{Method, Uri},
    };

    use super::{KeyPart, KeyWriter};

    fn text(part: &dyn KeyPart) -> String {
        let mut key = KeyWriter::new();
        part.write_key(&mut key);
        key.as_str().to_owned()
    }

    #[test]
    fn an_extractor_is_spelt_as_what_it_holds() {
        assert_eq!(text(&Path((7, "a:b".to_owned()))), "(7,a%3Ab,)");
        assert_eq!(text(&Query(Some(1))), "1");
        assert_eq!(text(&Extension("tenant")), "tenant");
        assert_eq!(text(&Some(Extension(1))), "1");
        assert_eq!(text(&RawQuery(None)), "%-");
        assert_eq!(text(&RawQuery(Some(String::new()))), "%_");
        assert_eq!(text(&Uri::from_static("/a?b=c")), "/a%3Fb=c");
        assert_eq!(text(&Method::GET), "GET");
    }
}
