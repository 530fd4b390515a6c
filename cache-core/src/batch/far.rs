//! How a batch asks the far tier: for all its keys together, and then for the right to store
//! those that are not there.

use super::{Flights, Keys, Turn, Wants};
use crate::{
    call::Call,
    event,
    far::{Budget, Far, Look, Place, Seen},
    flight::Lead,
    sync::{Arc, together},
    witness::What,
};

/// A key that is not in the far tier.
struct Cold {
    at: usize,
    lead: Lead,
    place: Place,
    seen: Seen,
}

impl Flights {
    /// Looks for all these keys in one round trip. What is not there has its turn, with the right
    /// to store it if that can be had.
    pub(super) async fn look_far(
        &mut self,
        keys: &Keys,
        leads: Vec<(usize, Lead)>,
        far: &Arc<Far>,
        wants: Wants<'_>,
    ) {
        let (leads, places) = self.believed(keys, leads, far);
        let calls: Vec<_> = leads.iter().map(|(at, _)| keys.call(*at)).collect();
        let Some(first) = calls.first() else { return };
        let typed: Vec<_> = calls.iter().map(Call::typed).collect();
        let new = || Budget::new(far.outage_budget);
        let mut budget = self.budget.take().unwrap_or_else(new);
        let looks = match far.look_many(&places, &typed, &mut budget).await {
            Ok(looks) => looks,
            // Not a miss: nothing is known, so nothing may be stored.
            Err(error) => {
                first.counts.far_errors.one();
                first.note(What::FarFailed);
                event::far_failed(first.function, &error);
                for (at, lead) in leads {
                    lead.troubled();
                    self.miss(keys, at, lead);
                }
                self.budget = Some(budget);
                return;
            }
        };
        let mut cold = Vec::new();
        for (((at, lead), place), look) in leads.into_iter().zip(places).zip(looks) {
            let call = keys.call(at);
            call.count_look(&look);
            match look {
                Look::Hit(found) => {
                    let serve = wants.serve(&call);
                    let loaded = serve.take(&lead, found);
                    self.take(at, serve.answer(&lead, loaded), wants);
                }
                Look::Miss(seen) => cold.push(Cold {
                    at,
                    lead,
                    place,
                    seen,
                }),
            }
        }
        self.prepare(keys, cold, far, budget, wants).await;
    }

    /// The keys that the far tier is to be asked for. One whose invalidation has not reached it
    /// yet, or whose caller has waited for it long enough, would keep the others from it.
    fn believed(
        &mut self,
        keys: &Keys,
        leads: Vec<(usize, Lead)>,
        far: &Arc<Far>,
    ) -> (Vec<(usize, Lead)>, Vec<Place>) {
        let mut asked = Vec::with_capacity(leads.len());
        let mut places = Vec::with_capacity(leads.len());
        for (at, lead) in leads {
            let place = keys.call(at).place(far);
            if lead.tired || !far.believes(&place) {
                self.miss(keys, at, lead);
                continue;
            }
            lead.ask();
            asked.push((at, lead));
            places.push(place);
        }
        (asked, places)
    }

    /// Asks for the right to store each of these keys, side by side.
    async fn prepare(
        &mut self,
        keys: &Keys,
        cold: Vec<Cold>,
        far: &Arc<Far>,
        mut budget: Budget,
        wants: Wants<'_>,
    ) {
        let preparing = cold.into_iter().map(|cold| {
            let mut share = budget.share();
            async move {
                let call = keys.call(cold.at);
                let serve = wants.serve(&call);
                let Cold {
                    at,
                    lead,
                    place,
                    seen,
                } = cold;
                let right = serve.prepare(&lead, far, place, seen, &mut share).await;
                (at, lead, right, share)
            }
        });
        let prepared = together(preparing).await;
        for (.., share) in &prepared {
            budget.join(share);
        }
        let turns = prepared.into_iter().map(|(at, lead, right, _)| Turn {
            at,
            lead: Some(lead),
            far: right.map(|right| (right, budget.share())),
        });
        self.turns.extend(turns);
        self.budget = Some(budget);
    }
}
