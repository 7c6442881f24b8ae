//! Machines that ask to be let in (请求加入). Nobody has compared anything yet: they are bounded, by address and
//! altogether, are forgotten when they are not heard any more, and can be cleared away by a person. Whoever is still there
//! asks again by itself.

use super::{Admission, Devices, Known, LONGEST_NAME, Terminal};
use fengjuan_core::event::Hash32;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_wire::upstream::{EnrolReply, EnrolRequest};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// So many machines may wait for two people at once.
pub(super) const MOST_ASKING: usize = 200;
/// So many keys may ask from one address: a machine has one, or a few when it was set up anew.
pub(super) const MOST_OF_ADDRESS: usize = 16;
/// A machine asks every few seconds; one that has not asked for this long has gone.
pub(super) const GONE_MS: i64 = 10 * 60_000;

impl Devices {
    /// First contact, or a device that asks again. TLS has proven that the caller holds the key.
    pub fn enrol(&self, request: &EnrolRequest, from: IpAddr, now: ExamMs) -> EnrolReply {
        let name = request.device_name.trim();
        let named = (1..=LONGEST_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
        if !named || !(8..=64).contains(&request.machine.len()) || request.hub.is_some() {
            return refused("enrol.bad_request");
        }
        if request.site != self.site {
            return refused("enrol.other_site");
        }
        let mut known = self.known_mut();
        known.expire(now);
        let device = Hash32(*request.sign.as_bytes());
        match known.terminals.get(&device).cloned() {
            None => known.first(request, from, now),
            Some(terminal) => known.again(&terminal, request, from, now),
        }
    }

    /// Those that ask now, and have not gone.
    pub fn asking(&self, now: ExamMs) -> Vec<Arc<Terminal>> {
        let mut asking = self.list();
        let known = self.known();
        asking.retain(|one| one.admission == Admission::Asking && !known.gone(&one.device(), now));
        asking
    }
}

impl Known {
    fn first(&mut self, request: &EnrolRequest, from: IpAddr, now: ExamMs) -> EnrolReply {
        if !self.place_for(from) {
            return refused("enrol.too_many_pending");
        }
        let terminal = Terminal {
            name: request.device_name.trim().to_owned(),
            sign: request.sign,
            kem: request.kem,
            machine: request.machine.clone(),
            address: from,
            admission: Admission::Asking,
            first_ms: now,
            decided_ms: None,
            decided_by: String::new(),
            certificate: None,
            warning: None,
        };
        let fingerprint = terminal.fingerprint();
        self.asked.insert(terminal.device(), now);
        self.put(terminal);
        EnrolReply::Pending { fingerprint }
    }

    fn again(
        &mut self,
        terminal: &Terminal,
        request: &EnrolRequest,
        from: IpAddr,
        now: ExamMs,
    ) -> EnrolReply {
        let device = terminal.device();
        if terminal.machine != request.machine || terminal.kem != request.kem {
            let code = "enrol.key_on_two_machines";
            self.put(Terminal {
                warning: Some(code.to_owned()),
                ..terminal.clone()
            });
            return refused(code);
        }
        match (terminal.admission, &terminal.certificate) {
            (Admission::Revoked, _) => refused("enrol.revoked"),
            (Admission::Refused, _) => refused("enrol.turned_away"),
            (Admission::Approved, _) if terminal.address != from => {
                self.elsewhere.insert(device, from);
                refused("upstream.other_address")
            }
            (Admission::Approved, Some(certificate)) => EnrolReply::Approved {
                certificate: certificate.to_vec(),
            },
            _ => {
                let fingerprint = terminal.fingerprint();
                self.asked.insert(device, now);
                self.put(Terminal {
                    address: from,
                    ..terminal.clone()
                });
                EnrolReply::Pending { fingerprint }
            }
        }
    }

    /// Whether another key may ask from there. Where too many wait altogether, the most crowded address gives way: one
    /// machine that makes up keys keeps no other out.
    fn place_for(&mut self, from: IpAddr) -> bool {
        let mut by_address: BTreeMap<IpAddr, Vec<Device>> = BTreeMap::new();
        for terminal in self.terminals.values() {
            if terminal.admission == Admission::Asking {
                let there = by_address.entry(terminal.address).or_default();
                there.push(terminal.device());
            }
        }
        let here = by_address.get(&from).map_or(0, Vec::len);
        let all: usize = by_address.values().map(Vec::len).sum();
        if here >= MOST_OF_ADDRESS {
            return false;
        }
        if all < MOST_ASKING {
            return true;
        }
        let crowded = by_address.values().max_by_key(|there| there.len());
        let crowded = crowded.filter(|there| there.len() > here + 1);
        let heard = |device: &&Device| self.asked.get(device).copied();
        let Some(gives_way) = crowded.and_then(|there| there.iter().min_by_key(heard)) else {
            return false;
        };
        self.forget(gives_way);
        true
    }

    fn gone(&self, device: &Device, now: ExamMs) -> bool {
        let asked_ms = self.asked.get(device).copied().unwrap_or(now);
        now.saturating_sub(asked_ms) >= GONE_MS
    }

    fn expire(&mut self, now: ExamMs) {
        let asking = self.asked.keys().copied();
        let gone: Vec<Device> = asking.filter(|device| self.gone(device, now)).collect();
        for device in gone {
            let asks = |one: &Arc<Terminal>| one.admission == Admission::Asking;
            if self.terminals.get(&device).is_some_and(asks) {
                self.forget(&device);
            } else {
                self.asked.remove(&device);
            }
        }
    }
}

fn refused(code: &str) -> EnrolReply {
    EnrolReply::Refused {
        code: code.to_owned(),
    }
}
