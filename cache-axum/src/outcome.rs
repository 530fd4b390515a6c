//! What a handler's response means to larder: a value to keep, a failure to share, or neither.

use std::sync::Arc;

use axum::response::Response;
use cache_core::__private::{Failure, Keep, Loaded, Outcome};

use crate::{
    handler::Handler,
    served::{Asked, How},
    stored::StoredResponse,
    verdict::Verdict,
};

/// The shape of a cached handler, and of one call of it.
#[derive(Debug, Clone, Copy)]
pub struct Responses {
    pub(crate) handler: &'static Handler,
    /// What the layer wants to know; nothing where there is none.
    pub(crate) asked: Option<Asked>,
}

/// A response that was read whole, beside itself, as an extension.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) stored: StoredResponse,
    pub(crate) verdict: Verdict,
}

/// How many headers the layer and axum add to a response: about.
const TOLD: usize = 6;

/// A response that is not kept, but those who wait for it get it.
#[derive(Clone)]
struct Shared(StoredResponse);

/// A response that is its caller's alone.
struct Single(Response);

impl Responses {
    fn kept(self, stored: &StoredResponse) -> Response {
        let Some(asked) = &self.asked else {
            return stored.response();
        };
        let mut response = stored.response_with_room(TOLD);
        let served = asked.kept(stored, self.handler);
        response.extensions_mut().insert(served);
        response
    }

    fn shared(self, Shared(stored): &Shared) -> Response {
        let how = self
            .asked
            .map_or(How::Loaded, |asked| asked.how(stored.origin));
        self.telling(how, stored.response())
    }

    fn single(self, Single(response): Single) -> Response {
        let how = self.asked.map_or(How::Loaded, |asked| asked.own);
        self.telling(how, response)
    }

    /// A response that is not kept, which the layer, if there is one, is told of.
    pub(crate) fn telling(self, how: How, mut response: Response) -> Response {
        if self.asked.is_some() {
            let served = Asked::passed(how, self.handler);
            response.extensions_mut().insert(served);
        }
        response
    }
}

impl Outcome for Responses {
    type Return = Response;
    type Value = StoredResponse;

    fn split(self, mut output: Response) -> Loaded {
        match output.extensions_mut().remove::<Judged>() {
            Some(Judged {
                stored,
                verdict: Verdict::Keep(ttl),
            }) => Loaded::Value(Arc::new(stored), Keep::For(ttl)),
            Some(Judged {
                stored,
                verdict: Verdict::Share,
            }) => Loaded::Failed(Failure::shared(Shared(stored))),
            _ => Loaded::Failed(Failure::single(Single(output))),
        }
    }

    fn of_value(self, value: &StoredResponse) -> Response {
        self.kept(value)
    }

    fn of_absent(self) -> Option<Response> {
        None
    }

    fn of_failure(self, failure: Failure) -> Option<Response> {
        if failure.is::<Shared>() {
            failure.downcast().map(|shared| self.shared(&shared))
        } else {
            failure.downcast().map(|single| self.single(single))
        }
    }

    fn accepts(self, loaded: &Loaded) -> bool {
        match loaded {
            Loaded::Value(live, _) => (**live).is::<StoredResponse>(),
            Loaded::Absent => false,
            Loaded::Failed(failure) => failure.is::<Shared>() || failure.is::<Single>(),
        }
    }
}
